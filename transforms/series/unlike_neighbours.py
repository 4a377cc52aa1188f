"""How many stacks alternate along a series, by its voxels alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import ENOUGH_SLICES, INTERLEAVED

from .slice_samples import Coarse, SliceSamples, distance_hu, tissue_offset_hu

Slices = Sequence[SliceHeader]

# Stacks that alternate do so all along, or the spacing would change; but they may agree where nothing moved.
_PLACES = (0.3, 0.7)
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
        if is_doubtful(_coarse(_around(slices, middle, 3), samples)):
            run = _coarse(_around(slices, middle, int(INTERLEAVED["run"])), samples)
            if (n_stacks := n_stacks_of(run)) > 1:
                return n_stacks
    return 1


def _around(slices: Slices, middle: int, length: int) -> Slices:
    """Return as many slices as asked for, or as there are, about one of them."""
    start = max(min(middle - length // 2, len(slices) - length), 0)
    return slices[start : start + length]


def _coarse(run: Slices, samples: SliceSamples) -> list[Coarse]:
    return [samples.coarse_hu(header) for header in run]


def is_doubtful(run: Sequence[Coarse]) -> bool:
    """Return whether three slices are unlike those of one stack, for whatever reason."""
    return _nearness(run, 2) < INTERLEAVED["looked_at_below"] or _alternates(run) or _copies_alternate(run)


def n_stacks_of(run: Sequence[Coarse]) -> int:
    """Return how many stacks alternate in a run of slices, 1 to 4."""
    nearness = {n: _nearness(run, n) for n in range(2, min(_MOST_STACKS, len(run) // 2) + 1)}
    nearest = min(nearness, key=lambda n: nearness[n])
    if nearness[nearest] < INTERLEAVED["nearer_below"]:
        return nearest
    return 2 if _copies_alternate(run) or _alternates(run) else 1


def _nearness(run: Sequence[Coarse], apart: int) -> float:
    """Return how far apart slices of a run are that stand so many steps apart, in what neighbours are."""
    neighbours = float(np.mean([distance_hu(sample, other) for sample, other in pairwise(run)]))
    others = float(np.mean([distance_hu(sample, other) for sample, other in zip(run, run[apart:], strict=False)]))
    # Where nothing changes from slice to slice nothing can be told.
    return others / neighbours if neighbours > INTERLEAVED["neighbours_differ_by"] else np.inf


def _alternates(run: Sequence[Coarse]) -> bool:
    """Return whether soft tissue is brighter in every other slice of a run than between those before and after."""
    threes = zip(run, run[1:], run[2:], strict=False)
    offsets = [tissue_offset_hu(sample, (before + after) * np.float32(0.5)) for before, sample, after in threes]
    brighter = np.resize([1.0, -1.0], len(offsets)) * offsets
    return bool(max(brighter.min(), (-brighter).min()) > INTERLEAVED["tissue_alternates_by"])


def _copies_alternate(run: Sequence[Coarse]) -> bool:
    """Return whether every other neighbour is a copy, and no other; slices of nothing but air are alike in rows."""
    distances = [distance_hu(sample, other) for sample, other in pairwise(run)]
    return any(
        max(distances[start::2]) == 0 and min(distances[1 - start :: 2]) > INTERLEAVED["neighbours_differ_by"]
        for start in (0, 1)
    )
