"""The marker segments of a JPEG 2000 codestream, walked before a decoder in C sees them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_SIZE, _TILE, _DATA, _END = b"\xff\x51", b"\xff\x90", b"\xff\x93", b"\xff\xd9"
_BOX_FILE = b"\x00\x00\x00\x0cjP  "
_MAX_SEGMENTS = 100_000


@dataclass(frozen=True)
class Jpeg2000Image:
    """What the size segment of a codestream says, and the codestream without what stands after its end."""

    precision: int
    is_signed: bool
    rows: int
    columns: int
    plain: bytes


def read_jpeg2000(stream: bytes) -> Jpeg2000Image:
    """Return what a codestream of one component holds; ValueError where its segments are out of bounds."""
    if stream.startswith(_BOX_FILE):
        stream = _in_box(stream)
    if stream[:4] != b"\xff\x4f" + _SIZE or len(stream) < 51:
        raise ValueError("no start of an image")
    length, _, x1, y1, x0, y0, tile_x, tile_y, _, _, n, depth, dx, dy = struct.unpack_from(">HHLLLLLLLLHBBB", stream, 4)
    if n != 1 or length != 41 or (dx, dy) != (1, 1):
        raise ValueError(f"{n} components")
    if not (x0 < x1 and y0 < y1 and tile_x > 0 and tile_y > 0):
        raise ValueError("an empty image")
    if (depth & 0x7F) + 1 > 32:
        raise ValueError(f"{(depth & 0x7F) + 1} bits")
    plain = stream[: _end(stream, 4 + length)]
    return Jpeg2000Image((depth & 0x7F) + 1, depth >= 0x80, y1 - y0, x1 - x0, plain)


def _in_box(stream: bytes) -> bytes:
    """Return the codestream of a JP2 file, which DICOM does not ask for and some writers leave."""
    offset = 0
    while offset + 8 <= len(stream):
        size, kind = struct.unpack_from(">L4s", stream, offset)
        if kind == b"jp2c":
            return stream[offset + 8 :]
        if size < 8:
            break
        offset += size
    raise ValueError("a file without its codestream")


def _end(stream: bytes, offset: int) -> int:
    """Return where the codestream ends, stepping over its segments and tile parts."""
    for _ in range(_MAX_SEGMENTS):
        marker = stream[offset : offset + 2]
        if marker == _END:
            return offset + 2
        if offset + 4 > len(stream):
            raise ValueError("a compressed image without its end")
        if marker[:1] != b"\xff" or marker[1] < 0x50:
            raise ValueError("no marker where one is due")
        (length,) = struct.unpack_from(">H", stream, offset + 2)
        if length < 2:
            raise ValueError("a segment that leaves the image")
        offset = _after_tile(stream, offset) if marker == _TILE else offset + 2 + length
    raise ValueError("segments without end")


def _after_tile(stream: bytes, offset: int) -> int:
    """Return where the tile part at an offset ends; one of length zero lasts to the end of the image."""
    if offset + 12 > len(stream):
        raise ValueError("a compressed image without its end")
    (length,) = struct.unpack_from(">L", stream, offset + 6)
    if length == 0:
        end = stream.rfind(_END)
        if end < offset:
            raise ValueError("a compressed image without its end")
        return end
    if length < 14 or offset + length > len(stream):
        raise ValueError("a compressed image without its end")
    return offset + int(length)
