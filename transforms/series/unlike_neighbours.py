"""How many stacks alternate along a series, by its voxels alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import ENOUGH_SLICES, INTERLEAVED

from .slice_samples import SliceSamples, distance_hu

Slices = Sequence[SliceHeader]

# Stacks that alternate do so all along, or the spacing would change; but they may agree where nothing moved.
_PLACES = (0.3, 0.5, 0.7)
# Decoding and inflating cost ten times what copying does.
_PLACES_OF_DEAR_SLICES = (0.5,)
_MOST_STACKS = 4


def n_stacks_in_voxels(slices: Slices, samples: SliceSamples) -> int:
    """Return how many stacks alternate: 1 where neighbours are more alike than slices further apart.

    Args:
        slices: the series in the order of positions.
        samples: of its slices.
    """
    if len(slices) < 2 * ENOUGH_SLICES.limit - 1:
        return 1
    first = slices[0]
    is_cheap = first.source.reads_anywhere and first.pixels.transfer_syntax in transfer_syntaxes.RAW
    for part in _PLACES if is_cheap else _PLACES_OF_DEAR_SLICES:
        middle = int(part * (len(slices) - 1))
        if _nearness(_around(slices, middle, 3), samples, 2) < INTERLEAVED["looked_at_below"]:
            run = _around(slices, middle, int(INTERLEAVED["run"]))
            nearness = {n: _nearness(run, samples, n) for n in range(2, min(_MOST_STACKS, len(run) // 2) + 1)}
            n_stacks = min(nearness, key=lambda n: nearness[n])
            if nearness[n_stacks] < INTERLEAVED["nearer_below"]:
                return n_stacks
    return 1


def _around(slices: Slices, middle: int, length: int) -> Slices:
    """Return as many slices as asked for, or as there are, about one of them."""
    start = max(min(middle - length // 2, len(slices) - length), 0)
    return slices[start : start + length]


def _nearness(run: Slices, samples: SliceSamples, apart: int) -> float:
    """Return how far apart slices of a run are that stand so many steps apart, in what neighbours are."""
    coarse = [samples.coarse_hu(header) for header in run]
    neighbours = float(np.mean([distance_hu(one, other) for one, other in zip(coarse, coarse[1:], strict=False)]))
    others = float(np.mean([distance_hu(one, other) for one, other in zip(coarse, coarse[apart:], strict=False)]))
    # Where nothing changes from slice to slice nothing can be told.
    return others / neighbours if neighbours > INTERLEAVED["neighbours_differ_by"] else np.inf
