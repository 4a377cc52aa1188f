"""Reads a JSON file as what it should hold, or says in one line what it holds instead."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from nodulus.transforms.problems import UsageError

Kind = TypeVar("Kind")

# The largest file of ours is a list of 100 000 nodules; what is parsed takes some ten times its size in memory.
_MOST_BYTES = 64 * 2**20
# More digits are beyond any float, and the first number that meets them would fail.
_MOST_DIGITS = 300
_MOST_SHOWN = 400


def read_json_as(kind: type[Kind], path: Path, expected: str, *, named_by: str | None = None) -> Kind:
    """Return what a JSON file holds, checked; what it returns can be written again.

    JSON is taken at its word: a key that stands twice in an object, NaN, infinity, numbers beyond any float and text
    that is no Unicode are refused. A byte order mark, and UTF-16 or UTF-32, are understood.

    Args:
        kind: a pydantic model, or any type that pydantic checks.
        path: of the file.
        expected: what it should be, for the message: "a data list".
        named_by: the key that names the items of lists in the message, such as "nodule_id".

    Raises:
        UsageError: the file is missing, or holds something else.
    """
    content: object = None
    try:
        content = _parse(Path(path))
        # As JSON, not as Python: pydantic then also refuses half a surrogate pair and what is nested too deep.
        return TypeAdapter(kind).validate_json(json.dumps(content))
    except FileNotFoundError:
        problem = f"Expected {expected}, found no file {path}"
    except ValidationError as error:
        problem = f"Expected {expected}, got {_first_problem(error, content, named_by)} in {path}"
    except OSError as error:
        problem = f"Expected {expected}, got {error.strerror or error} at {path}"
    except RecursionError:
        problem = f"Expected {expected} in JSON, got values nested too deep in {path}"
    except ValueError as error:
        problem = f"Expected {expected} in JSON, got {_cut(str(error))} in {path}"
    raise UsageError(_one_line(problem))


def _parse(path: Path) -> object:
    if path.exists() and not path.is_file():  # a folder, a pipe, a device: reading the last two may never end
        raise OSError("no regular file")
    if (size := path.stat().st_size) > _MOST_BYTES:
        raise OSError(f"{size} bytes, {_MOST_BYTES} at most,")
    return parse_json(path.read_bytes())


def parse_json(content: bytes) -> object:
    """Return what JSON says, taken at its word as above; ValueError or RecursionError where it is none."""
    return json.loads(
        content,
        parse_constant=_refuse_number,
        parse_float=_finite,
        parse_int=_whole_number,
        object_pairs_hook=_object,
    )


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"the number {text[:20]}")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} twice in one object")
        found[key] = value
    return found


def _first_problem(error: ValidationError, content: object, named_by: str | None) -> str:
    """Return the first problem in words: where it is, items by number and name, and what pydantic says of it."""
    first = error.errors()[0]
    where = _place(first["loc"], content, named_by) or "the file"
    return _cut(f"{where}: {first['msg'].removeprefix('Value error, ')}")


def _place(location: Sequence[str | int], content: object, named_by: str | None) -> str:
    parts: list[str] = []
    for key in location:
        try:
            content = content[key]  # type: ignore[index]  # not always: pydantic also names members of a union
        except (KeyError, IndexError, TypeError):
            content = None
        name = content.get(named_by) if isinstance(content, dict) and isinstance(key, int) else None
        parts.append(f"item {key} ({name})" if name is not None else str(key))
    return (" " if any(" " in part for part in parts) else ".").join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _one_line(text: str) -> str:
    """Return a text with what moves a terminal's cursor, and half surrogate pairs, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
