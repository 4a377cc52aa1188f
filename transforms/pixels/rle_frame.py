"""Decodes DICOM's run lengths (PS3.5 annex G), and refuses segments that are not as long as the image."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from .errors import BrokenPixelsError

_HEADER_BYTES = 64
_MAX_PADDING_BYTES = 16


def decode_rle(frame: bytes, n_pixels: int, n_bytes: int) -> NDArray[np.uint8]:
    """Return the bytes of a frame, (pixel, byte), least significant first.

    Args:
        frame: the header of 64 bytes and a segment for each byte of a pixel, the most significant first.
        n_pixels: rows times columns.
        n_bytes: of a pixel.

    Raises:
        BrokenPixelsError: there are other segments than that, or one decodes to another length.
    """
    if len(frame) < _HEADER_BYTES:
        raise BrokenPixelsError("no header of run lengths")
    n_segments, *offsets = struct.unpack_from("<16L", frame)
    starts = offsets[:n_bytes]
    if n_segments != n_bytes or any(offsets[n_bytes:]) or starts != sorted(set(starts)) or starts[0] < _HEADER_BYTES:
        raise BrokenPixelsError(f"{n_segments} segments of run lengths where {n_bytes} are due")
    stops = [*starts[1:], len(frame)]
    pixels = np.empty((n_pixels, n_bytes), dtype=np.uint8)
    for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        pixels[:, n_bytes - 1 - index] = np.frombuffer(_segment(frame[start:stop], n_pixels), dtype=np.uint8)
    return pixels


def _segment(data: bytes, n_pixels: int) -> bytes:
    """Return the bytes of one segment, unpacked until there are as many as pixels."""
    parts: list[bytes] = []
    n_done, offset, end = 0, 0, len(data)
    while n_done < n_pixels and offset + 1 < end:
        control = data[offset]
        if control < 128:
            part = data[offset + 1 : offset + 2 + control]
            offset += 2 + control
        elif control > 128:
            part = data[offset + 1 : offset + 2] * (257 - control)
            offset += 2
        else:
            part, offset = b"", offset + 1
        parts.append(part)
        n_done += len(part)
    # One byte may follow that makes the length even; some writers add a line end, or zeros.
    is_padding = end - offset <= 3 or (end - offset <= _MAX_PADDING_BYTES and not data[offset:].strip(b"\0"))
    if n_done != n_pixels or offset > end or not is_padding:
        raise BrokenPixelsError(f"run lengths of {n_done} pixels and {end - offset} bytes left, for {n_pixels} pixels")
    return b"".join(parts)
