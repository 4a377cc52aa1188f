"""Whether numbers can be Hounsfield units of a chest or of any other part of a body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .rule import GateRule
from .series_rules import BODY_MEDIAN, HAS_AIR, HAS_TISSUE, HU_RANGE, LITTLE_BELOW_AIR

_AIR_HU = (-1100.0, HAS_AIR.tolerance)
_TISSUE_HU = (-200.0, 300.0)
_NO_MATTER_HU = -1500.0
# The body is all above this; its median is between fat and muscle.
_BODY_HU, _BODY_MEDIAN_HU = -300.0, -25.0
# One value in more voxels than this is painted: clipped air, or what surrounds a round field of view.
_PAINTED_PART = 0.05
_ENOUGH_AIR_PART = 0.001


def hounsfield_problem(sample_hu: NDArray[np.float32], padding_hu: float | None = None) -> tuple[GateRule, str] | None:
    """Return the rule that values break and one line of expected and got; None where they can be Hounsfield units.

    Args:
        sample_hu: finite voxels of several slices of one scan, of any shape.
        padding_hu: a value that is known to be no measurement; it has no say.
    """
    values = np.ravel(sample_hu)
    values = values[values != padding_hu] if padding_hu is not None else values
    got = f"got {values.min():g} to {values.max():g}" if values.size else "got nothing but padding"
    if values.size and np.abs(values).max() > HU_RANGE.tolerance:
        return HU_RANGE, f"Expected values within {HU_RANGE.limit}, {got}"
    values = _without_lowest(values)
    if _part_between(values, *_AIR_HU) < _ENOUGH_AIR_PART:
        return HAS_AIR, f"Expected air, between {_AIR_HU[0]:g} and {_AIR_HU[1]:g} HU, {got}"
    if 100 * _part_between(values, *_TISSUE_HU) < HAS_TISSUE.tolerance:
        return HAS_TISSUE, f"Expected soft tissue, between {_TISSUE_HU[0]:g} and {_TISSUE_HU[1]:g} HU, {got}"
    if 100 * float(np.mean(values < _NO_MATTER_HU)) > LITTLE_BELOW_AIR.tolerance:
        return LITTLE_BELOW_AIR, f"Expected next to nothing below {_NO_MATTER_HU:g} HU, {got}"
    median_hu = float(np.median(values[values > _BODY_HU]))
    if abs(median_hu - _BODY_MEDIAN_HU) > BODY_MEDIAN.tolerance:
        expected = f"Expected a body whose median is within {BODY_MEDIAN.limit} of {_BODY_MEDIAN_HU:g} HU"
        return BODY_MEDIAN, f"{expected}, got {median_hu:.0f} HU (a wrong slope or intercept)"
    return None


def _without_lowest(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values without the lowest where it is no measurement: darker than air, or painted."""
    if values.size == 0:
        return values
    lowest = values.min()
    is_lowest = values == lowest
    no_measurement = lowest < _AIR_HU[0] or np.mean(is_lowest) > _PAINTED_PART
    return values[~is_lowest] if no_measurement else values


def _part_between(values: NDArray[np.float32], low_hu: float, high_hu: float) -> float:
    return float(np.mean((values > low_hu) & (values < high_hu))) if values.size else 0.0
