"""Whether numbers can be Hounsfield units of a chest or of any other part of a body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .rule import GateRule
from .value_rules import BODY_MEDIAN, HAS_AIR, HAS_TISSUE, HU_RANGE, LITTLE_BELOW_AIR
from .verdict import Gate

Values = NDArray[np.float32]


def check_hounsfield(sample_hu: Values, gate: Gate, place: str) -> None:
    """Refuse values that cannot be Hounsfield units, by the first rule that they break.

    Args:
        sample_hu: finite voxels of several slices of one scan, of any shape, without padding where it is known.
        gate: what refuses, or is warned.
        place: where they are from, as messages name it.
    """
    broken = broken_rule(sample_hu)
    if broken is not None:
        rule, got = broken
        gate.judge(rule, got, place)


def broken_rule(sample_hu: Values) -> tuple[GateRule, str] | None:
    """Return the first rule that values break and what came instead; None where they can be Hounsfield units."""
    values = np.ravel(sample_hu)
    got = f"{values.min():g} to {values.max():g}" if values.size else "nothing but padding"
    if values.size and np.abs(values).max() > HU_RANGE.limit:
        return HU_RANGE, got
    values = _without_lowest(values)
    for rule in (HAS_AIR, HAS_TISSUE):
        if 100 * _part_between(values, rule["above"], rule["below"]) < rule["at_least"]:
            return rule, got
    if 100 * float(np.mean(values < LITTLE_BELOW_AIR["below"])) > LITTLE_BELOW_AIR["at_most"]:
        return LITTLE_BELOW_AIR, got
    median_hu = float(np.median(values[values > BODY_MEDIAN["body_above"]]))
    if abs(median_hu - BODY_MEDIAN["middle"]) > BODY_MEDIAN["within"]:
        return BODY_MEDIAN, f"{median_hu:.0f} HU (a wrong slope or intercept)"
    return None


def _without_lowest(values: Values) -> Values:
    """Return values without the lowest where it is no measurement: darker than air, or painted.

    One value in very many voxels is painted: clipped air, or what surrounds a round field of view.
    """
    if values.size == 0:
        return values
    lowest = values.min()
    # Slices that each have a slope round it each their way.
    is_lowest = values <= lowest + HAS_AIR["painted_within"]
    no_measurement = lowest < HAS_AIR["above"] or 100 * np.mean(is_lowest) > HAS_AIR["painted_above"]
    return values[~is_lowest] if no_measurement else values


def _part_between(values: Values, low_hu: float, high_hu: float) -> float:
    return float(np.mean((values > low_hu) & (values < high_hu))) if values.size else 0.0
