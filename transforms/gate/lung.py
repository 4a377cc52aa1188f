"""Whether a scan shows lung at all: a cheap look at a few slices, to warn of an abdomen or a head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.problems import Problem
from nodulus.transforms.volume import CTVolume

from .regions import regions_of
from .value_rules import LUNG
from .verdict import Gate

_PLACES = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
_PIXELS_A_SIDE = 128


def lung_warning(volume: CTVolume) -> Problem | None:
    """Return the warning that a scan shows no lung, or None where a slice shows enough of it."""
    gate = Gate()
    check_lung(volume, gate)
    return gate.warnings[0] if gate.warnings else None


def check_lung(volume: CTVolume, gate: Gate) -> None:
    """Warn of a scan that shows no lung.

    Six slices are read, at most; each is looked at in steps of pixels that leave about 128 a side.
    """
    n_slices = volume.grid.size_xyz[2]
    most = 0.0
    for place in _PLACES:
        k = min(int(place * n_slices), n_slices - 1)
        most = max(most, lung_fraction(volume.read_slab(k, k + 1)[:, :, 0]))
        if 100 * most >= LUNG["at_least"]:
            return
    expected = f"lung on at least {LUNG['at_least']:g} % of some slice's body"
    gate.judge(LUNG, f"at most {100 * most:.1f} %", f"{len(_PLACES)} slices of this scan", expected=expected)


def lung_fraction(intensity_hu: NDArray[np.float32]) -> float:
    """Return the part of the body in a slice (x, y) that is lung: air whose median is a lung's, not that of gas."""
    step = max(max(intensity_hu.shape) // _PIXELS_A_SIDE, 1)
    coarse = intensity_hu[::step, ::step]
    is_air = coarse < LUNG["air_below"]
    lung = 0
    for region in regions_of(is_air):
        if LUNG["median_from"] < np.median(coarse[region]) < LUNG["median_to"]:
            lung += len(region[0])
    return float(lung / max(int((~is_air).sum()) + lung, 1))
