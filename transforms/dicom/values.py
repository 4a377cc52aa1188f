"""The values of DICOM elements as text and numbers."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping

Numbers = tuple[float, ...]

# PS3.5 6.2, DS and IS: Python's own float would also take 1_000, nan and digits of other scripts.
_NUMBER = re.compile(r" *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *")


class ElementReader:
    """Turns the raw bytes of elements into text and numbers; what is malformed is None, for the gate to judge."""

    def __init__(self, values: Mapping[int, bytes], is_little_endian: bool) -> None:
        self._values = values
        self._order = "<" if is_little_endian else ">"

    def text(self, tag: int) -> str:
        """Return a value as it is written, without its padding."""
        return self._values.get(tag, b"").decode("latin-1").strip("\0 ")

    def numbers(self, tag: int, count: int) -> Numbers | None:
        """Return decimal strings as numbers; NaN where one is no number, None where the count is wrong."""
        parts = self.text(tag).split("\\")
        return tuple(decimal(part) for part in parts) if len(parts) == count and parts[0] else None

    def number(self, tag: int) -> float | None:
        """Return the first number of an element; NaN where it is none, None where there is no element."""
        text = self.text(tag)
        return decimal(text.split("\\")[0]) if text else None

    def whole(self, tag: int, default: int = 0) -> int:
        """Return an unsigned short."""
        value = self._values.get(tag, b"")
        return int(struct.unpack_from(self._order + "H", value)[0]) if len(value) >= 2 else default


def decimal(text: str) -> float:
    """Return the number that a decimal or integer string holds; NaN where it holds none."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan
