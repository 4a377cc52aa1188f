"""Where the compressed frames of a file stand: its fragments, and which of them make a frame."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.dicom.tags import ITEM, SEQUENCE_DELIMITATION_ITEM
from nodulus.transforms.sources.byte_sources import ByteSource, in_memory

from .errors import BrokenPixelsError

Fragment = tuple[int, int]

_ENDS_OF_IMAGE = b"\xff\xd9"
# Writers that cut frames use some ten fragments for each; a fragment may be empty, and a file full of them.
_MAX_FRAGMENTS, _MAX_FRAGMENTS_A_FRAME = 1000, 32


def fragments(header: SliceHeader) -> list[Fragment]:
    """Return offset and length of each item of compressed pixels, the table first, or raise BrokenPixelsError."""
    found: list[Fragment] = []
    source = in_memory(header.source)
    offset, end = header.pixels.offset, source.size
    most = _MAX_FRAGMENTS + _MAX_FRAGMENTS_A_FRAME * header.pixels.n_frames
    while offset + 8 <= end and len(found) <= most:
        group, number, length = struct.unpack("<HHL", _whole(source, offset, 8))
        tag = group << 16 | number
        if tag == SEQUENCE_DELIMITATION_ITEM:
            break
        if tag != ITEM or offset + 8 + length > end:
            raise BrokenPixelsError(f"a broken fragment at byte {offset}")
        found.append((offset + 8, length))
        offset += 8 + length
    if not 2 <= len(found) <= most:
        raise BrokenPixelsError(f"{len(found) - 1} fragments" if found else "no fragments")
    return found


def _whole(source: ByteSource, offset: int, length: int) -> bytes:
    """Return bytes of a file, all that are asked for: it may have shrunk since its header was read."""
    data = source.read(offset, length)
    if len(data) != length:
        raise BrokenPixelsError(f"{len(data)} of {length} bytes")
    return data


def compressed_frame(header: SliceHeader) -> bytes:
    """Return the codestream of a frame, joined from its fragments."""
    layout, source = header.pixels, in_memory(header.source)
    header = replace(header, source=source)
    table, *items = fragments(header)
    if layout.n_frames == 1:
        return b"".join(_whole(source, *item) for item in items)
    if len(items) == layout.n_frames:
        return _whole(source, *items[header.frame])
    owners = _owners(header, table, items)
    return b"".join(_whole(source, *item) for item, its in zip(items, owners, strict=True) if its == header.frame)


def _owners(header: SliceHeader, table: Fragment, items: list[Fragment]) -> list[int]:
    """Return of each fragment the frame that it is part of: by an offset table, else by where images end."""
    n_frames = header.pixels.n_frames
    starts = _starts(header.pixels.offset_table, "<u8", n_frames) or _starts(
        header.source.read(*table), "<u4", n_frames
    )
    first = items[0][0] - 8
    places = [offset - 8 - first for offset, _ in items]
    if starts and set(starts) <= set(places):
        return [int(its) for its in np.searchsorted(starts, places, side="right") - 1]
    ends = [_ends_image(header.source, item) for item in items]
    owners = [0, *np.cumsum(ends[:-1]).tolist()]
    if sum(ends) != n_frames or not ends[-1]:
        raise BrokenPixelsError(f"{len(items)} fragments for {n_frames} frames and no offset table that fits")
    return owners


def _starts(table: bytes, kind: str, n_frames: int) -> list[int]:
    """Return where frames start by an offset table; empty where it is none of as many frames."""
    is_one = len(table) == n_frames * np.dtype(kind).itemsize
    return np.frombuffer(table, kind).tolist() if is_one else []


def _ends_image(source: ByteSource, item: Fragment) -> bool:
    offset, length = item
    tail = min(length, 4)
    return source.read(offset + length - tail, tail).rstrip(b"\0").endswith(_ENDS_OF_IMAGE)
