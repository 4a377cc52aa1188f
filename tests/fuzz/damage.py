"""Ways to damage bytes, text and JSON, each drawn by a generator."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

Damage = Callable[[bytes, Random], bytes]

# Bounds of integers, the halves of DICOM's delimiters, signs that mean something to a parser.
BYTES = (
    b"\0",
    b"\xff",
    b"\x7f\xff",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\xfe\xff\x0d\xe0",
)
TEXTS = (
    *("", " ", "nan", "NaN", "inf", "-inf", "1e400", "-1e308", "1e-320", "9" * 400, "9" * 5000, "-0", "0", "1", "-1"),
    *(
        "0x10",
        "1_0",
        "1,5",
        "1.234,5",
        "\u0661",
        "true",
        "null",
        "None",
        "12 mm",
        "\\",
        "\\\\\\",
        "\r",
        "\n",
        "\t",
        "\0",
    ),
    *(
        '"',
        "'",
        ";",
        ",",
        "=1+1",
        "@SUM(A1)",
        "\x1b[31m",
        "\u202e",
        "\ufeff",
        "a" * 40_000,
        "../../etc/passwd",
        "2.25.1",
    ),
    *("1\\2", "1\\2\\3", "1\\2\\3\\4\\5\\6", "99999999999999999999", "65536", "32768", "-32769", "4294967296", "0.5"),
)


def of_bytes(data: bytes, chance: Random, within: tuple[int, int] | None = None) -> bytes:
    """Return the bytes with a few changed, lost, doubled, moved or cut; ``within`` bounds the places."""
    content = bytearray(data)
    low, high = within or (0, len(content))
    for _ in range(chance.choice((1, 1, 1, 2, 4, 12))):
        at = chance.randrange(low, max(min(high, len(content)), low + 1))
        _change(content, at, chance)
    return bytes(content)


def _change(content: bytearray, at: int, chance: Random) -> None:
    how = chance.randrange(9)
    if how <= 2 and at < len(content):
        content[at] ^= 1 << chance.randrange(8)
    elif how == 3:
        content[at : at + 1] = bytes([chance.randrange(256)])
    elif how == 4:
        special = chance.choice(BYTES)
        content[at : at + len(special)] = special
    elif how == 5:
        del content[at : at + chance.randrange(1, 40)]
    elif how == 6:
        content[at:at] = content[at : at + chance.randrange(1, 80)]
    elif how == 7:
        other = chance.randrange(len(content) + 1)
        content[at : at + 8], content[other : other + 8] = content[other : other + 8], content[at : at + 8]
    elif chance.random() < 0.5:
        del content[at:]
    else:
        content += bytes(chance.randrange(1, 64))


def of_text(data: bytes, chance: Random) -> bytes:
    """Return a text with a cell, a line or its encoding changed, or with bytes damaged."""
    how = chance.randrange(8)
    if how <= 1:
        return of_bytes(data, chance)
    text = data.decode("utf-8")
    if how == 2:
        return text.encode(chance.choice(("utf-16", "utf-16-be", "utf-8-sig", "utf-32", "utf-7")))
    separator = chance.choice((",", ";", "\t", "\n", " ", "="))
    parts = text.split(separator)
    at = chance.randrange(len(parts))
    if how <= 5:
        parts[at] = chance.choice(TEXTS)
    elif how == 6:
        parts.insert(at, chance.choice(parts))
    else:
        parts = parts[:at] * chance.choice((1, 2, 300)) + parts[at + 1 :]
    return separator.join(parts).encode("utf-8", "surrogatepass")


def of_json(data: bytes, chance: Random) -> bytes:
    """Return JSON with a value replaced, a key lost or doubled, values nested deep; or its text damaged."""
    if chance.random() < 0.25:
        return of_text(data, chance)
    content = json.loads(data)
    parent, key = chance.choice(list(_places(content)) or [([content], 0)])
    how = chance.randrange(5)
    if how == 0 and isinstance(parent, dict):
        parent[chance.choice(TEXTS)[:200]] = parent.pop(key)
    elif how == 1:
        del parent[key]
    elif how == 2:
        parent[key] = "\0here\0"
        deep = chance.choice((20, 300, 2000, 100_000))
        opened, closed = chance.choice((("[", "]"), ('{"a":', "}")))
        return json.dumps(content).replace('"\\u0000here\\u0000"', opened * deep + "1" + closed * deep).encode()
    elif how == 3:
        parent[key] = "\0here\0"
        raw = chance.choice(("NaN", "Infinity", "1e999", "9" * 400, "9" * 5000, '"\\ud800"', "-", "1" + "0" * 30, "''"))
        return json.dumps(content).replace('"\\u0000here\\u0000"', raw).encode()
    else:
        parent[key] = chance.choice((*TEXTS, None, True, [], {}, [[]], -1, 0, 1e308, -1e-300, 2**63, [1, 2], {"a": 1}))
    return json.dumps(content).encode()


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Return every place of a tree as its parent and its key."""
    keys = content.keys() if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    return [place for key in keys for place in ((content, key), *_places(content[key]))]
