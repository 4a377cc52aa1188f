"""Steps from element to element over the bytes of a DICOM dataset."""

from __future__ import annotations

import struct

from .errors import MalformedError
from .tags import ITEM, ITEM_DELIMITATION_ITEM, SEQUENCE_DELIMITATION_ITEM

UNDEFINED = 0xFFFFFFFF

_LONG_FORM = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_FORM = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT"}
    | {b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_NO_VR = frozenset({b"??", b"--"})
_ITEM_GROUP = ITEM >> 16
_MAX_DEPTH = 32


class MoreNeededError(Exception):
    """The element goes on beyond the bytes at hand."""


def looks_explicit(data: bytes, offset: int) -> bool:
    """Return whether the element at an offset names a representation that there is."""
    vr = data[offset + 4 : offset + 6]
    return vr in _SHORT_FORM or vr in _LONG_FORM


class ElementWalker:
    """The elements of a stretch of a dataset."""

    def __init__(self, data: bytes, explicit: bool, little: bool) -> None:
        self.data = data
        self._explicit = explicit
        order = "<" if little else ">"
        self._tag = struct.Struct(order + "HH").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "L").unpack_from

    def element(self, offset: int) -> tuple[int, int, int]:
        """Return the tag at an offset, where its value starts, and its length."""
        data = self.data
        if offset + 8 > len(data):
            raise MoreNeededError
        group, number = self._tag(data, offset)
        tag = group << 16 | number
        if not self._explicit or group == _ITEM_GROUP:
            return tag, offset + 8, self._long(data, offset + 4)[0]
        vr = data[offset + 4 : offset + 6]
        if vr in _SHORT_FORM:
            return tag, offset + 8, self._short(data, offset + 6)[0]
        if vr not in _LONG_FORM and self._is_short(vr, offset):
            return tag, offset + 8, self._short(data, offset + 6)[0]
        if offset + 12 > len(data):
            raise MoreNeededError
        return tag, offset + 12, self._long(data, offset + 8)[0]

    def _is_short(self, vr: bytes, offset: int) -> bool:
        """Return the form of a representation of later date, or of none: the long one leaves two bytes free."""
        if not (vr.isalpha() and vr.isupper()) and vr not in _NO_VR:
            raise MalformedError("its header holds no valid element where one is due")
        return self.data[offset + 6 : offset + 8] != b"\0\0"

    def after(self, offset: int, start: int) -> int:
        """Return where an element of undefined length at an offset ends, whose value starts at ``start``."""
        return self._inside(offset)._skip(start, 0)

    def _skip(self, offset: int, depth: int) -> int:
        if depth > _MAX_DEPTH:
            raise MalformedError("its header nests sequences without end")
        while True:
            tag, start, length = self.element(offset)
            if tag in (SEQUENCE_DELIMITATION_ITEM, ITEM_DELIMITATION_ITEM):
                return start
            offset = self._within(tag, offset, start)._skip(start, depth + 1) if length == UNDEFINED else start + length

    def _within(self, tag: int, offset: int, start: int) -> ElementWalker:
        """Return what walks a value of undefined length; Philips writes implicit items into explicit files."""
        if tag != ITEM:
            return self._inside(offset)
        if start + 8 > len(self.data):
            raise MoreNeededError
        is_delimiter = self._tag(self.data, start)[0] == _ITEM_GROUP
        strange = self._explicit and not is_delimiter and not self.data[start + 4 : start + 6].isalpha()
        return ElementWalker(self.data, explicit=False, little=True) if strange else self

    def _inside(self, offset: int) -> ElementWalker:
        """Return what walks the value of the element at an offset: UN of undefined length is implicit (PS3.5 6.2.2)."""
        if self._explicit and self.data[offset + 4 : offset + 6] == b"UN":
            return ElementWalker(self.data, explicit=False, little=True)
        return self
