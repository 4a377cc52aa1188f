"""Slices in Hounsfield units, decoded in parallel from their files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import PixelLayout, SliceHeader
from nodulus.transforms.gate.value_rules import PADDING
from nodulus.transforms.sources.byte_sources import ByteSource, in_memory
from nodulus.transforms.volume import AIR_HU

from .stored_pixels import read_stored, signed_numbers

# Starting threads costs as much as copying this many voxels.
_PIXELS_WORTH_THREADS = 1 << 20


def read_slices(
    headers: Sequence[SliceHeader], rows: slice | None = None, columns: slice | None = None
) -> NDArray[np.float32]:
    """Return slices, or the same part of each, as float32 Hounsfield units, (x, y, z).

    Args:
        headers: the slices, of one size.
        rows: the rows to return; None returns all.
        columns: the columns to return; None returns all.
    """
    if not headers:
        raise ValueError("Expected at least one slice to read, got none")
    layout = headers[0].pixels
    rows, columns = rows or slice(0, layout.rows), columns or slice(0, layout.columns)
    stack = np.empty((len(headers), rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
    ready = loaded(headers)

    def fill(index: int) -> None:
        stack[index] = slice_hu(ready[index], rows, columns)

    n_threads = min(len(headers), os.cpu_count() or 1)
    if n_threads == 1 or (layout.transfer_syntax in transfer_syntaxes.RAW and stack.size < _PIXELS_WORTH_THREADS):
        for index in range(len(headers)):
            fill(index)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(fill, range(len(headers))))
    return np.transpose(stack, (2, 1, 0))


def slice_hu(header: SliceHeader, rows: slice | None = None, columns: slice | None = None) -> NDArray[np.float32]:
    """Return one slice in Hounsfield units, (rows, columns); InputRefusedError where it does not decode."""
    layout = header.pixels
    stored = read_stored(header, rows or slice(0, layout.rows), columns or slice(0, layout.columns))
    intensity_hu = stored.astype(np.float32)
    if header.slope not in (None, 1.0):
        intensity_hu *= np.float32(header.slope)
    intensity_hu += np.float32(header.intercept or 0.0)
    if layout.padding is not None and padding_is_applied(header):
        low, high = padding_range(layout, layout.padding)
        intensity_hu[(stored == low) if low == high else (stored >= low) & (stored <= high)] = AIR_HU
    return intensity_hu


def padding_range(layout: PixelLayout, padding: tuple[int, int]) -> tuple[int, int]:
    """Return the lowest and the highest stored number that is padding, in the sign of the pixels."""
    first, last = (int(value) for value in signed_numbers(np.array(padding, dtype=np.uint16), layout))
    return min(first, last), max(first, last)


def padding_is_applied(header: SliceHeader) -> bool:
    """Return whether the padding values can be no tissue, so that they may become air.

    The range of bone ends where the rule's upper limit stands; wrapped numbers stand far above.
    """
    if header.pixels.padding is None:
        return False
    slope, intercept = header.slope or 1.0, header.intercept or 0.0
    low_hu, high_hu = (value * slope + intercept for value in padding_range(header.pixels, header.pixels.padding))
    return high_hu <= PADDING["at_most"] or low_hu > PADDING["or_above"]


def loaded(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Return headers whose frames, where a file can only be read from its start, come from one copy in memory."""
    copies: dict[int, ByteSource] = {}
    ready = []
    for one in headers:
        if one.pixels.n_frames == 1 or one.source.reads_anywhere:
            ready.append(one)
            continue
        if id(one.source) not in copies:
            copies[id(one.source)] = in_memory(one.source)
        ready.append(replace(one, source=copies[id(one.source)]))
    return ready
