"""The connected regions of a small mask; scipy finds them, too, and takes longer to load than a scan to score."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

Region = tuple[NDArray[np.intp], NDArray[np.intp]]


def regions_of(mask: NDArray[np.bool_]) -> list[Region]:
    """Return the pixels (their indices along both axes) of each region of a mask (x, y) whose pixels share a side."""
    rows, starts, stops = _runs(mask)
    root = list(range(len(rows)))
    row_begins = np.searchsorted(rows, np.arange(mask.shape[0] + 1)).tolist()
    for row in range(1, mask.shape[0]):
        above, end, here = row_begins[row - 1], row_begins[row], row_begins[row]
        while above < end and here < row_begins[row + 1]:
            if starts[above] < stops[here] and starts[here] < stops[above]:
                root[_first(root, here)] = _first(root, above)
            if stops[above] < stops[here]:
                above += 1
            else:
                here += 1
    runs: defaultdict[int, list[int]] = defaultdict(list)
    for run in range(len(rows)):
        runs[_first(root, run)].append(run)
    return [_pixels(rows, starts, stops, members) for members in runs.values()]


def _runs(mask: NDArray[np.bool_]) -> tuple[list[int], list[int], list[int]]:
    """Return the runs of set pixels along the second axis: the row, the start and the stop of each, row by row."""
    change = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(change == 1)
    _, stops = np.nonzero(change == -1)
    return rows.tolist(), starts.tolist(), stops.tolist()


def _first(root: list[int], run: int) -> int:
    while root[run] != run:
        root[run] = root[root[run]]
        run = root[run]
    return run


def _pixels(rows: list[int], starts: list[int], stops: list[int], members: list[int]) -> Region:
    lengths = [stops[run] - starts[run] for run in members]
    columns = np.concatenate([np.arange(starts[run], stops[run]) for run in members])
    return np.repeat([rows[run] for run in members], lengths), columns
