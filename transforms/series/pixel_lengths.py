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
    check_all(slices, gate, COMPLETE_FILES, _is_complete, "pixels as long as rows and columns say", _lengths_of)
    check_all(
        slices, gate, EXACT_PIXELS, lambda s: _left_over(s) < _line_bytes(s), "no more pixels than that", _lengths_of
    )
    check_all(
        slices, gate, PADDED_PIXELS, lambda s: _left_over(s) <= PADDED_PIXELS.tolerance, "no padding", _lengths_of
    )


def _is_complete(one: SliceHeader) -> bool:
    layout = one.pixels
    if one.frame > 0:
        return True  # of one file the first frame tells
    if layout.transfer_syntax not in transfer_syntaxes.RAW:
        return layout.length == UNDEFINED and _has_fragments(one)
    needed = frame_bytes(layout) * layout.n_frames
    return needed <= layout.length != UNDEFINED and layout.offset + needed <= layout.stream_size


def _line_bytes(one: SliceHeader) -> int:
    """Return the length of a row or a column, the shorter: what is left where one is forgotten."""
    return min(one.pixels.rows, one.pixels.columns) * (one.pixels.bits_allocated // 8)


def _left_over(one: SliceHeader) -> int:
    """Return how many bytes of uncompressed pixels are more than the header asks for."""
    layout = one.pixels
    return (
        layout.length - frame_bytes(layout) * layout.n_frames if layout.transfer_syntax in transfer_syntaxes.RAW else 0
    )


def _lengths_of(one: SliceHeader) -> str:
    layout = one.pixels
    pixels = (
        "compressed pixels"
        if layout.length == UNDEFINED
        else f"{layout.length} bytes of {layout.rows} x {layout.columns} pixels"
    )
    return f"{pixels} at byte {layout.offset} of {layout.stream_size}"


def _has_fragments(one: SliceHeader) -> bool:
    try:
        return len(fragments(one)) > 1
    except (BrokenPixelsError, OSError):
        return False
