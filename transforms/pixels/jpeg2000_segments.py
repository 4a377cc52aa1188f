"""The size segment of a JPEG 2000 codestream, read before a decoder in C sees what it claims."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import BrokenPixelsError

# Start of codestream and the marker of the size segment, which must follow it (ISO 15444-1, A.5.1).
_START, _END = b"\xff\x4f\xff\x51", b"\xff\xd9"
_SIZE_BYTES = 43


@dataclass(frozen=True)
class Jpeg2000Image:
    """What the size segment of a codestream says, and the codestream without what stands around it."""

    precision: int
    is_signed: bool
    rows: int
    columns: int
    plain: bytes


def read_jpeg2000(stream: bytes) -> Jpeg2000Image:
    """Return what a codestream of one component holds; BrokenPixelsError where it claims another.

    Some writers leave the codestream in the JP2 file that it came in, which DICOM does not ask for.
    """
    start, end = stream.find(_START), stream.rfind(_END)
    if start < 0 or end < start + len(_START) + _SIZE_BYTES - 2:
        raise BrokenPixelsError("a compressed image without its start or end")
    length, _, x1, y1, x0, y0, _, _, _, _, n, depth, dx, dy = struct.unpack_from(
        ">HHLLLLLLLLHBBB", stream, start + len(_START)
    )
    if n != 1 or length != _SIZE_BYTES - 2 or (dx, dy) != (1, 1):
        raise BrokenPixelsError(f"{n} components")
    return Jpeg2000Image((depth & 0x7F) + 1, depth >= 0x80, y1 - y0, x1 - x0, stream[start : end + len(_END)])
