"""The top-level elements of a DICOM file, as raw bytes, without the pixels."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass, field

from nodulus.transforms.sources.byte_sources import ByteSource

from .errors import CutShortError, DicomError, MalformedError, NotDicomError
from .inflate import InflatedSource, inflate_dataset
from .tags import FIRST_TAGS, OVERLAY_GROUPS, PIXEL_DATA, TRANSFER_SYNTAX_UID, Tag, shown_tag
from .transfer_syntaxes import DEFLATED_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE
from .walk import UNDEFINED, ElementWalker, MoreNeededError, looks_explicit

_HEAD_BYTES = 16384
# Functional groups of 20000 frames take some 20 MB; nothing else that is wanted is long.
_MAX_WINDOW_BYTES = 1 << 27
_MAX_VALUE_BYTES = 1 << 20
_LONGEST_FIRST_VALUE = 1024


@dataclass
class Elements:
    """What was found: the wanted elements' bytes, and where the pixel data stand.

    Args:
        source: what ``pixel_offset`` counts in: the file, or the dataset that a deflated file inflates to.
        transfer_syntax: as the meta group states it.
        is_little_endian: whether numbers are.
        values: the wanted elements.
        pixel_offset: where the value of the pixel data starts; 0 means none.
        pixel_length: of that value; UNDEFINED where it is compressed.
        has_overlay: whether there is an overlay, which may stand in the pixels' spare bits.
    """

    source: ByteSource
    transfer_syntax: str = IMPLICIT_LITTLE
    is_little_endian: bool = True
    values: dict[Tag, bytes] = field(default_factory=dict)
    pixel_offset: int = 0
    pixel_length: int = 0
    has_overlay: bool = False


def read_elements(source: ByteSource, wanted: Collection[Tag]) -> Elements:
    """Return the wanted top-level elements of a file, reading no further than its header goes.

    Raises:
        NotDicomError: it does not begin as DICOM does.
        CutShortError: it ends inside its header.
        MalformedError: its header makes no sense. Both carry what was found until there.
    """
    found = Elements(source)
    try:
        head = source.read(0, _HEAD_BYTES)
        offset = _read_meta(head, found)
        if found.transfer_syntax == DEFLATED_LITTLE:
            dataset = inflate_dataset(source, offset)
            found.source = InflatedSource(source, offset, dataset.size)
            _read_dataset(dataset, 0, dataset.read(0, _HEAD_BYTES), wanted, found)
        else:
            _read_dataset(source, offset, head[offset:], wanted, found)
    except DicomError as error:
        error.values = found.values
        raise
    return found


def _read_meta(head: bytes, found: Elements) -> int:
    """Fill ``found`` with the elements of group 2, explicit little endian always; return where the dataset starts."""
    offset = 132 if head[128:132] == b"DICM" else 0
    if offset == 0 and not _may_begin(head):
        raise NotDicomError
    walker = ElementWalker(head, explicit=True, little=True)
    try:
        while head[offset : offset + 2] == b"\x02\x00":
            tag, start, length = walker.element(offset)
            offset = start + length
            found.values[tag] = head[start:offset]
    except MoreNeededError as error:
        raise CutShortError("the file ends inside its header") from error
    if offset > len(head):
        raise CutShortError("the file ends inside its header")
    stated = found.values.get(TRANSFER_SYNTAX_UID, IMPLICIT_LITTLE.encode())
    found.transfer_syntax = stated.rstrip(b"\0 ").decode("ascii", "replace")
    found.is_little_endian = found.transfer_syntax != EXPLICIT_BIG
    return offset


def _may_begin(head: bytes) -> bool:
    """Return whether bytes can be the first element of a dataset that has no preamble."""
    if len(head) < 8:
        return False
    group, number, length = struct.unpack_from("<HHL", head)
    fits = looks_explicit(head, 0) or (length <= _LONGEST_FIRST_VALUE and (number != 0 or length == 4))
    return (group << 16 | number) in FIRST_TAGS and fits


def _read_dataset(source: ByteSource, offset: int, window: bytes, wanted: Collection[Tag], found: Elements) -> None:
    """Walk a dataset through windows of the file; what is long and not wanted is stepped over, unread."""
    explicit = _is_explicit(window, found)
    length = _HEAD_BYTES
    while offset < source.size:
        walker = ElementWalker(window, explicit, found.is_little_endian)
        done = _collect(walker, offset, wanted, found)
        if found.pixel_offset:
            return
        if offset + done > source.size or (done == 0 and offset + len(window) >= source.size):
            raise CutShortError("the file ends inside its header")
        length = _HEAD_BYTES if done else length * 8
        if length > _MAX_WINDOW_BYTES:
            raise MalformedError("its header holds a sequence without end")
        offset += done
        window = source.read(offset, length)


def _is_explicit(start: bytes, found: Elements) -> bool:
    """Return whether elements name their representation; the first one decides where the transfer syntax errs."""
    stated = found.transfer_syntax != IMPLICIT_LITTLE if found.values else looks_explicit(start, 0)
    if not found.is_little_endian or len(start) < 8 or looks_explicit(start, 0) == stated:
        return stated
    (length,) = struct.unpack_from("<L", start, 4)
    # Two letters make an implicit length of 16 kB and more; a first element is short.
    return length > _LONGEST_FIRST_VALUE and (stated or looks_explicit(start, 0))


def _collect(walker: ElementWalker, base: int, wanted: Collection[Tag], found: Elements) -> int:
    """Fill ``found`` from a window that starts at ``base``; return how far it was understood, or led."""
    offset, end = 0, len(walker.data)
    while offset < end:
        try:
            tag, start, length = walker.element(offset)
            if tag == PIXEL_DATA:
                found.pixel_offset, found.pixel_length = base + start, length
                return offset
            stop = walker.after(offset, start) if length == UNDEFINED else start + length
        except MoreNeededError:
            return offset
        found.has_overlay |= tag >> 16 in OVERLAY_GROUPS
        if tag in wanted and length <= _MAX_VALUE_BYTES:
            if stop > end:
                return offset
            if tag in found.values:
                raise MalformedError(f"its header holds {shown_tag(tag)} twice")
            found.values[tag] = walker.data[start:stop]
        offset = stop
    return offset
