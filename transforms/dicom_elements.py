"""The top-level elements of a DICOM file, as raw bytes, without the pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field

from .byte_sources import ByteSource

Tag = int

PIXEL_DATA: Tag = 0x7FE00010
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

_LONG_FORM = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_ITEM_END, _SEQUENCE_END = 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
_HEAD_BYTES = 16384
_MAX_DEPTH = 32
_MAX_INFLATED = 1 << 30


class NotDicomError(ValueError):
    """The file does not begin as DICOM does."""


class CutShortError(ValueError):
    """The file ends, or makes no sense, before its header does."""


class _MoreNeededError(Exception):
    """The header goes on beyond the bytes at hand."""


@dataclass
class Elements:
    """What was found: the wanted elements' bytes, and where the pixel data stand.

    ``pixel_offset`` is that of the value, in the file (in the inflated file where it is deflated); 0 means none.
    ``stream_size`` is the length of that file.
    """

    transfer_syntax: str = IMPLICIT_LITTLE
    is_little_endian: bool = True
    values: dict[Tag, bytes] = field(default_factory=dict)
    pixel_offset: int = 0
    pixel_length: int = 0
    stream_size: int = 0


def read_elements(source: ByteSource, wanted: Collection[Tag]) -> Elements:
    """Return the wanted top-level elements of a file, reading no further than its header goes."""
    length = _HEAD_BYTES
    while True:
        head = source.read(0, min(length, source.size))
        whole = len(head) >= source.size or len(head) < length
        try:
            found = _parse(head, wanted, whole)
            found.stream_size = found.stream_size or source.size
            return found
        except _MoreNeededError as error:
            if whole:
                raise CutShortError("the file ends inside its header") from error
            length *= 8


def inflate(file_bytes: bytes) -> bytes:
    """Return a deflated file as if it were explicit little endian: its meta group, then the inflated dataset."""
    start, _ = _meta_group(file_bytes)
    try:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        dataset = stream.decompress(file_bytes[start:], _MAX_INFLATED)
    except zlib.error as error:
        raise CutShortError("its deflated dataset is damaged") from error
    if not stream.eof:
        raise CutShortError("its deflated dataset ends early")
    return file_bytes[:start] + dataset


def _parse(head: bytes, wanted: Collection[Tag], whole: bool) -> Elements:
    offset, meta = _meta_group(head)
    found = Elements(values=meta)
    found.transfer_syntax = meta.get(0x00020010, IMPLICIT_LITTLE.encode()).rstrip(b"\0 ").decode("ascii", "replace")
    explicit = found.transfer_syntax != IMPLICIT_LITTLE if meta else head[offset + 4 : offset + 6].isalpha()
    found.is_little_endian = found.transfer_syntax != EXPLICIT_BIG
    if found.transfer_syntax == DEFLATED:
        if not whole:
            raise _MoreNeededError
        head = inflate(head)
        found.stream_size = len(head)
    walker = _Walker(head, explicit, found.is_little_endian)
    end = walker.collect(offset, wanted, found)
    if end == len(head) and not whole:
        raise _MoreNeededError
    return found


def _meta_group(head: bytes) -> tuple[int, dict[Tag, bytes]]:
    """Return where the dataset starts and the elements of group 2, which is explicit little endian always."""
    if head[128:132] == b"DICM":
        offset = 132
    elif head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00":
        offset = 0
    else:
        raise NotDicomError
    walker, meta = _Walker(head, explicit=True, little=True), {}
    while head[offset : offset + 2] == b"\x02\x00":
        tag, start, length = walker.element(offset)
        offset = start + length
        meta[tag] = head[start:offset]
    if offset > len(head):
        raise _MoreNeededError
    return offset, meta


class _Walker:
    """Steps from element to element over the bytes of a dataset."""

    def __init__(self, data: bytes, explicit: bool, little: bool) -> None:
        self._data = data
        self._explicit = explicit
        order = "<" if little else ">"
        self._tag = struct.Struct(order + "HH").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "L").unpack_from

    def element(self, offset: int) -> tuple[Tag, int, int]:
        """Return the tag at an offset, where its value starts, and its length."""
        data = self._data
        if offset + 12 > len(data):
            return self._last_element(offset)
        group, number = self._tag(data, offset)
        tag = group << 16 | number
        if not self._explicit or group == 0xFFFE:
            return tag, offset + 8, self._long(data, offset + 4)[0]
        vr = data[offset + 4 : offset + 6]
        if vr in _LONG_FORM:
            return tag, offset + 12, self._long(data, offset + 8)[0]
        if not vr.isalpha():
            raise CutShortError("its header holds no valid element where one is due")
        return tag, offset + 8, self._short(data, offset + 6)[0]

    def _last_element(self, offset: int) -> tuple[Tag, int, int]:
        """Return an element so short that fewer than 12 bytes are left."""
        if offset + 8 > len(self._data):
            raise _MoreNeededError
        group, number = self._tag(self._data, offset)
        if not self._explicit or group == 0xFFFE:
            return group << 16 | number, offset + 8, self._long(self._data, offset + 4)[0]
        if self._data[offset + 4 : offset + 6] in _LONG_FORM:
            raise _MoreNeededError
        return group << 16 | number, offset + 8, self._short(self._data, offset + 6)[0]

    def collect(self, offset: int, wanted: Collection[Tag], found: Elements) -> int:
        """Fill ``found`` with the wanted elements from an offset on; return where the pixels, or the end, stop it."""
        end = len(self._data)
        while offset != end:
            tag, start, length = self.element(offset)
            if tag == PIXEL_DATA:
                found.pixel_offset, found.pixel_length = start, length
                return offset
            offset = self._inside(offset)._skip(start, 0) if length == UNDEFINED else start + length
            if offset > end:
                raise _MoreNeededError
            if tag in wanted:
                found.values[tag] = self._data[start:offset]
        return end

    def _skip(self, offset: int, depth: int) -> int:
        """Return where a sequence or item of undefined length ends, whose value starts at an offset."""
        if depth > _MAX_DEPTH:
            raise CutShortError("its header nests sequences without end")
        while True:
            tag, start, length = self.element(offset)
            if tag in (_SEQUENCE_END, _ITEM_END):
                return start
            offset = self._inside(offset)._skip(start, depth + 1) if length == UNDEFINED else start + length

    def _inside(self, offset: int) -> _Walker:
        """Return what walks the value of the element at an offset: UN of undefined length is implicit (PS3.5 6.2.2)."""
        if self._explicit and self._data[offset + 4 : offset + 6] == b"UN":
            return _Walker(self._data, explicit=False, little=True)
        return self
