"""Whether the pixel data of each slice are as long as its header says."""

from __future__ import annotations

from collections.abc import Sequence

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.dicom.walk import UNDEFINED
from nodulus.transforms.gate.series_rules import COMPLETE_FILES, EXACT_PIXELS, PADDED_PIXELS
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.pixels.errors import BrokenPixelsError
from nodulus.transforms.pixels.fragments import fragments
from nodulus.transforms.pixels.stored_pixels import frame_bytes

from .check_all import check_all


def check_pixel_lengths(slices: Sequence[SliceHeader], gate: Gate) -> None:
    """Refuse pixel data that are too short, or too long by a row; warn of other bytes too many."""
    check_all(slices, gate, COMPLETE_FILES, _is_complete, _lengths_of, "pixels as long as rows and columns say")
    check_all(slices, gate, EXACT_PIXELS, _is_exact, _lengths_of, "no more pixels than rows and columns say")
    check_all(slices, gate, PADDED_PIXELS, _has_little_padding, _lengths_of)


def _is_complete(header: SliceHeader) -> bool:
    layout = header.pixels
    if header.frame > 0:
        return True  # of one file the first frame tells
    if layout.transfer_syntax not in transfer_syntaxes.RAW:
        return layout.length == UNDEFINED and _has_fragments(header)
    needed = frame_bytes(layout) * layout.n_frames
    return needed <= layout.length != UNDEFINED and layout.offset + needed <= layout.stream_size


def _is_exact(header: SliceHeader) -> bool:
    return _left_over(header) < EXACT_PIXELS.limit * _line_bytes(header)


def _has_little_padding(header: SliceHeader) -> bool:
    return _left_over(header) <= PADDED_PIXELS.limit


def _line_bytes(header: SliceHeader) -> int:
    """Return the length of a row or a column, the shorter: what is left where one is forgotten."""
    return min(header.pixels.rows, header.pixels.columns) * (header.pixels.bits_allocated // 8)


def _left_over(header: SliceHeader) -> int:
    """Return how many bytes of uncompressed pixels are more than the header asks for."""
    layout = header.pixels
    return (
        layout.length - frame_bytes(layout) * layout.n_frames if layout.transfer_syntax in transfer_syntaxes.RAW else 0
    )


def _lengths_of(header: SliceHeader) -> str:
    layout = header.pixels
    pixels = (
        "compressed pixels"
        if layout.length == UNDEFINED
        else f"{layout.length} bytes of {layout.rows} x {layout.columns} pixels"
    )
    return f"{pixels} at byte {layout.offset} of {layout.stream_size}"


def _has_fragments(header: SliceHeader) -> bool:
    try:
        return len(fragments(header)) > 1
    except (BrokenPixelsError, OSError):
        return False
