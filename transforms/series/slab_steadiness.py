"""Whether the slices that a box is cut from go on from one to the next, whatever their headers say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.value_rules import VALUES_STEADY
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.pixels.hounsfield_slices import read_slices

# Averages noise away; what lies beyond the range decides nothing, and metal would decide all.
_BLOCK = 4
_LOWEST_HU, _HIGHEST_HU = -1024.0, 1500.0
_ENOUGH_PIXELS = 32
_ROWS = 64


def read_steady_box(
    slices: Sequence[SliceHeader], rows: slice, columns: slice, box: slice, gate: Gate
) -> NDArray[np.float32]:
    """Return a part of some slices, float32 Hounsfield units (x, y, z), after a look at how they go on.

    Whole rows are compared: they are read anyway, and within a small box anatomy may change as much as a lie does.

    Args:
        slices: the series in the order of positions.
        rows: the rows to return.
        columns: the columns to return.
        box: the slices to return.
        gate: what refuses; where it admits such slices, nothing is compared.

    Raises:
        InputRefusedError: a slice is unlike both its neighbours.
    """
    first = slices[box.start]
    is_cheap = first.source.reads_anywhere and first.pixels.transfer_syntax in transfer_syntaxes.RAW
    more = 1 if is_cheap else 0
    start, stop = max(box.start - more, 0), min(box.stop + more, len(slices))
    layout = first.pixels
    is_too_small = stop - start < 3 or min(layout.rows, layout.columns) < _ENOUGH_PIXELS
    if is_too_small or gate.admits(VALUES_STEADY):
        return read_slices(slices[box], rows=rows, columns=columns)
    strip = _widened(rows, layout.rows)
    hu = read_slices(slices[start:stop], rows=strip, columns=slice(0, layout.columns))
    _check(slices[start:stop], hu, gate)
    shift = strip.start
    return hu[columns, rows.start - shift : rows.stop - shift, box.start - start : box.stop - start]


def _widened(rows: slice, n_rows: int) -> slice:
    """Return at least so many rows about some that they tell of more than one organ."""
    if rows.stop - rows.start >= _ROWS:
        return rows
    start = max(min((rows.start + rows.stop - _ROWS) // 2, n_rows - _ROWS), 0)
    return slice(start, min(start + _ROWS, n_rows))


def excess_hu(coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much each slice but the first and the last is too far from its neighbours; below 0 it is not.

    Args:
        coarse: means of blocks, HU, (slice, rows, columns).
    """
    away_hu = np.abs(np.diff(coarse, axis=0)).mean(axis=(1, 2))
    aside_hu = np.abs(coarse[2:] - coarse[:-2]).mean(axis=(1, 2))
    return np.asarray((away_hu[1:] + away_hu[:-1]) / 2 - VALUES_STEADY["distance_at_most"] * aside_hu)


def _check(slices: Sequence[SliceHeader], hu: NDArray[np.float32], gate: Gate) -> None:
    excess = excess_hu(block_means(hu))
    odd = [slices[k + 1] for k in np.flatnonzero(excess > VALUES_STEADY["and_by"])]
    if odd:
        got = f"{len(odd)} unlike both neighbours"
        gate.judge(VALUES_STEADY, got, odd[0].name, [header.place for header in odd])


def block_means(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of blocks of each slice, (slice, rows, columns)."""
    stack = np.transpose(hu, (2, 1, 0))
    n_slices, rows, columns = stack.shape[0], stack.shape[1] // _BLOCK, stack.shape[2] // _BLOCK
    # Every other row is enough.
    shown = np.clip(stack[:, : rows * _BLOCK : 2, : columns * _BLOCK], _LOWEST_HU, _HIGHEST_HU)
    by_rows = shown.reshape(n_slices, rows, _BLOCK // 2, -1).sum(axis=2)
    blocks = by_rows.reshape(n_slices, rows, columns, _BLOCK) @ np.full(_BLOCK, 2 * _BLOCK**-2, np.float32)
    return np.asarray(blocks, dtype=np.float32)
