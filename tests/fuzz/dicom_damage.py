"""Ways to damage a DICOM file by its elements: their tags, representations, lengths, values, order and depth."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from . import damage

_LONG = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV")
_START = 132
_UNDEFINED = 0xFFFFFFFF
_LENGTHS = (0, 1, 2, 3, 7, 255, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, _UNDEFINED)
_TAGS = (0x00080018, 0x00200032, 0x00280010, 0x00280030, 0x7FE00010, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0x00020010, 0)
_DEPTHS = (3, 40, 400, 3000, 20_000)


@dataclass(frozen=True)
class _Element:
    """Where an element of explicit little endian stands: its tag, representation, length field and value."""

    start: int
    representation: bytes
    value: int
    end: int

    @property
    def is_long(self) -> bool:
        return self.representation in _LONG


def of_dicom(data: bytes, chance: Random) -> bytes:
    """Return a DICOM file of explicit little endian with one to three of its elements damaged, or bytes of its head."""
    if chance.random() < 0.3:
        return damage.of_bytes(data, chance, (0, min(len(data), 4000)))
    if chance.random() < 0.1:
        return damage.of_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        elements = list(_elements(data))
        if not elements:
            break
        data = _damaged(data, chance.choice(elements), chance)
    return data


def _elements(data: bytes, start: int = _START, stop: int | None = None) -> Iterator[_Element]:
    """Yield the elements and, in their items, those of sequences; ends where the bytes make no sense."""
    at, stop = start, len(data) if stop is None else stop
    while at + 8 <= stop:
        representation = data[at + 4 : at + 6]
        if data[at : at + 2] == b"\xfe\xff":  # an item or a delimiter: step into it
            at += 8
            continue
        is_long = representation in _LONG
        head = 12 if is_long else 8
        length = int.from_bytes(data[at + 8 : at + 12] if is_long else data[at + 6 : at + 8], "little")
        is_sequence = representation == b"SQ" or length == _UNDEFINED
        if not representation.isalpha() or (not is_sequence and at + head + length > stop):
            return
        yield _Element(at, representation, at + head, at + head + (0 if is_sequence else length))
        at += head + (0 if is_sequence else length)


def _damaged(data: bytes, one: _Element, chance: Random) -> bytes:
    before, after = data[: one.start], data[one.end :]
    head, value = data[one.start : one.value], data[one.value : one.end]
    how = chance.randrange(10)
    if how <= 2 and len(value) <= 4096:
        text = chance.choice(damage.TEXTS).encode("utf-8", "replace")[:60_000]
        return before + _head(head, one, len(text) + len(text) % 2) + text + b" " * (len(text) % 2) + after
    if how == 3:
        return before + after
    if how == 4:
        return before + head + value + head + value + after
    if how == 5:
        return before + _head(head, one, chance.choice(_LENGTHS)) + value + after
    if how == 6:
        return (
            before
            + head[:4]
            + chance.choice((b"SQ", b"UN", b"DS", b"US", b"ZZ", b"OB", b"\0\0"))
            + head[6:]
            + value
            + after
        )
    if how == 7:
        tag = chance.choice(_TAGS)
        return before + struct.pack("<HH", tag >> 16, tag & 0xFFFF) + head[4:] + value + after
    if how == 8:
        depth, is_closed = chance.choice(_DEPTHS), chance.random() < 0.5
        deep = nested(depth, head[:4], is_closed) if chance.random() < 0.5 else hidden(depth, head[:4], is_closed)
        return before + deep + after
    return before + head + damage.of_bytes(value, chance) + after


def _head(head: bytes, one: _Element, length: int) -> bytes:
    return (
        head[:8] + struct.pack("<I", length & _UNDEFINED)
        if one.is_long
        else head[:6] + struct.pack("<H", length & 0xFFFF)
    )


def nested(depth: int, tag: bytes = b"\x08\x00\x40\x11", is_closed: bool = True) -> bytes:
    """Return sequences of undefined length, each the only element of the one above; ``tag`` is the outermost."""
    begin = b"SQ\0\0" + struct.pack("<I", _UNDEFINED) + b"\xfe\xff\x00\xe0" + struct.pack("<I", _UNDEFINED)
    end = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return tag + begin + (b"\x08\x00\x40\x11" + begin) * (depth - 1) + (end * depth if is_closed else b"")


def hidden(depth: int, tag: bytes, is_closed: bool = True) -> bytes:
    """Return a sequence whose length is stated, so that it can be stepped over, with nested ones in its item."""
    deep = nested(depth, is_closed=is_closed)
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(deep)) + deep
    return tag + b"SQ\0\0" + struct.pack("<I", len(item)) + item
