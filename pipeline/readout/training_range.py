"""Is a nodule like those that trained the network? If not, why, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from nodulus.pipeline.records import Record
from nodulus.transforms.patches.nodule_facts import AERATED_HU, THIN_AIR_HU, NoduleFacts, nodule_facts
from nodulus.transforms.patches.scan_grain import ScanGrain

from .distance_limits import DistanceLimits, fit_distance
from .nodule_likeness import NoduleLikeness

__all__ = [
    "DensityLimits",
    "NoduleFacts",
    "Reason",
    "ReasonName",
    "TrainingRange",
    "fit_training_range",
    "nodule_facts",
    "reasons_outside",
]

ReasonName = Literal[
    "diameter",
    "slice_spacing",
    "image_grain",
    "outside_body",
    "no_nodule_density",
    "no_nodule_shape",
    "unlike_training",
]

# LIDC-IDRI's readers outlined nodules from 3 mm on: below it there is no label to learn from.
SMALLEST_MM = 3.0

# Slices lie 2.5 mm apart within what headers round.
_SPACING_TOLERANCE_MM = 0.01

# Of `_grain_numbers`.
_N_GRAIN = 3


@dataclass(frozen=True)
class Reason:
    """Why a nodule is unlike those trained on: a stable name, and a sentence with what was expected and got."""

    name: ReasonName
    message: str

    @property
    def is_of_the_place(self) -> bool:
        """Whether it says that no nodule can lie there; a shape is unlike a nodule's in some true ones, too."""
        return self.name in ("outside_body", "no_nodule_density")


class DensityLimits(Record):
    """Quantiles, over the training nodules, of what `NoduleFacts` measures in their patches."""

    inside_fraction_min: float
    core_hu_min: float
    aerated_fraction_min: float
    thin_air_fraction_max: float


class TrainingRange(Record):
    """What the nodules that trained a network were like.

    Args:
        diameter_mm: smallest (never below 3 mm) and largest.
        slice_spacing_mm_max: largest distance between slices.
        density: limits of what their patches show.
        outputs: limits of what the network says of them; None where only the images count.
        quantile: part of the training patches within each pair of limits: one side alone cuts off half the rest, the
            distance of the outputs all of it.
        n_samples: patches that it was fitted to; a nodule seen through two boxes counts twice.
        likeness: how alike a place must be to nodules; None where no places without a nodule were there to learn from.
        grain: limits of how noisy and how sharp their scans are; None in calibrations from before it was measured.
    """

    diameter_mm: tuple[float, float]
    slice_spacing_mm_max: float
    density: DensityLimits
    outputs: DistanceLimits | None
    quantile: float
    n_samples: int
    likeness: NoduleLikeness | None = None
    grain: DistanceLimits | None = None

    @model_validator(mode="after")
    def _check(self) -> TrainingRange:
        if self.grain is not None and len(self.grain.mean) != _N_GRAIN:
            msg = f"expected a grain of {_N_GRAIN} numbers, got one of {len(self.grain.mean)}"
            raise ValueError(msg)
        return self


def fit_training_range(
    samples: Sequence[NoduleFacts], outputs: NDArray[np.floating[Any]] | None, quantile: float = 0.99
) -> TrainingRange:
    """Return the range of some training nodules.

    Args:
        samples: their facts, from the patches that inference would cut (no augmentation).
        outputs: what the network says of the same patches, raw, (n, outputs); None leaves the outputs out.
        quantile: see `TrainingRange`.

    Raises:
        ValueError: there are fewer than two samples, or not one row of outputs for each.
    """
    if len(samples) < 2 or (outputs is not None and len(outputs) != len(samples)):
        got = "none" if outputs is None else str(len(outputs))
        raise ValueError(f"Expected two nodules or more, one row of outputs each, got {len(samples)} and {got}")
    tail = (1 - quantile) / 2
    diameters = [facts.diameter_mm for facts in samples]

    def low(name: str) -> float:
        return float(np.quantile([getattr(facts, name) for facts in samples], tail))

    return TrainingRange(
        diameter_mm=(max(SMALLEST_MM, min(diameters)), max(diameters)),
        slice_spacing_mm_max=max(facts.slice_spacing_mm for facts in samples),
        density=DensityLimits(
            inside_fraction_min=low("inside_fraction"),
            core_hu_min=low("core_hu"),
            aerated_fraction_min=low("aerated_fraction"),
            thin_air_fraction_max=float(np.quantile([facts.thin_air_fraction for facts in samples], 1 - tail)),
        ),
        outputs=None if outputs is None else fit_distance(np.asarray(outputs, dtype=np.float64), quantile),
        quantile=quantile,
        n_samples=len(samples),
        grain=_fit_grain([facts.grain for facts in samples], quantile),
    )


def reasons_outside(facts: NoduleFacts, outputs: ArrayLike | None, limits: TrainingRange) -> tuple[Reason, ...]:
    """Return why a nodule is unlike those trained on; nothing where it is like them.

    Args:
        facts: of the nodule.
        outputs: what the network says of it, raw, (n,); None leaves the outputs out.
        limits: of the training nodules.
    """
    of_place = _density_reason(facts, limits.density) or _shape_reason(facts, limits.likeness)
    of_scan = (_spacing_reason(facts, limits), _grain_reason(facts.grain, limits.grain))
    reasons = [_diameter_reason(facts, limits), *of_scan, of_place]
    if outputs is not None and limits.outputs is not None:
        reasons.append(_outputs_reason(limits.outputs.distance(outputs), limits.outputs.distance_max))
    return tuple(reason for reason in reasons if reason is not None)


def _diameter_reason(facts: NoduleFacts, limits: TrainingRange) -> Reason | None:
    low, high = limits.diameter_mm
    if low <= facts.diameter_mm <= high:
        return None
    expected = f"a diameter from {low:.1f} to {high:.1f} mm, as in training"
    return Reason("diameter", f"Expected {expected}, got {facts.diameter_mm:.1f} mm")


def _spacing_reason(facts: NoduleFacts, limits: TrainingRange) -> Reason | None:
    high = limits.slice_spacing_mm_max
    if facts.slice_spacing_mm <= high + _SPACING_TOLERANCE_MM:
        return None
    expected = f"slices at most {high:.2f} mm thick and apart, as in training"
    return Reason("slice_spacing", f"Expected {expected}, got {facts.slice_spacing_mm:.2f} mm")


def _grain_reason(grain: ScanGrain, limits: DistanceLimits | None) -> Reason | None:
    numbers = _grain_numbers(grain)
    if limits is None or numbers is None or (distance := limits.distance(numbers)) <= limits.distance_max:
        return None
    expected = f"noise and sharpness at most {limits.distance_max:.2f} (Mahalanobis) from the mean of those in training"
    (log_hu, correlation, _), (usual_log_hu, usual_correlation, _) = numbers, limits.mean
    sharpness = "softer" if correlation > usual_correlation else "sharper"
    noise = "noisier" if log_hu > usual_log_hu else "less noisy"
    got = f"{grain.quiet_hu:.0f} HU and a correlation of {correlation:.2f} between neighbours"
    usual = f"{math.exp(usual_log_hu):.0f} HU and {usual_correlation:.2f} there"
    return Reason("image_grain", f"Expected {expected}, got {distance:.2f}, {sharpness} and {noise}: {got}, {usual}")


def _grain_numbers(grain: ScanGrain) -> tuple[float, float, float] | None:
    """Return what is compared of a grain; None where it is untold, or the scan has no noise, as some phantoms."""
    if not grain.is_told or grain.quiet_hu <= 0:
        return None
    return math.log(grain.quiet_hu), grain.near_correlation, grain.far_correlation


def _fit_grain(grains: Sequence[ScanGrain], quantile: float) -> DistanceLimits | None:
    rows = [numbers for numbers in map(_grain_numbers, grains) if numbers is not None]
    return fit_distance(np.asarray(rows), quantile) if len(rows) > _N_GRAIN else None


def _density_reason(facts: NoduleFacts, limits: DensityLimits) -> Reason | None:
    """Return the first of what is wrong with the place: out of the scan, out of the body, plain lung, no lung."""
    if facts.inside_fraction < limits.inside_fraction_min:
        expected = f"at least {limits.inside_fraction_min:.0%} of the nodule's box inside the scan"
        return Reason("outside_body", f"Expected {expected}, got {facts.inside_fraction:.0%}")
    if facts.thin_air_fraction > limits.thin_air_fraction_max:
        expected = (
            f"a place in the body, at most {limits.thin_air_fraction_max:.0%} of its box below {THIN_AIR_HU:g} HU"
        )
        return Reason("outside_body", f"Expected {expected}, got {facts.thin_air_fraction:.0%}")
    if facts.core_hu < limits.core_hu_min:
        expected = f"a nodule's density, on average {limits.core_hu_min:.0f} HU or more about the centre"
        return Reason("no_nodule_density", f"Expected {expected}, got {facts.core_hu:.0f} HU, as of air or plain lung")
    if facts.aerated_fraction < limits.aerated_fraction_min:
        expected = (
            f"lung around the nodule, at least {limits.aerated_fraction_min:.0%} of its box below {AERATED_HU:g} HU"
        )
        return Reason(
            "no_nodule_density", f"Expected {expected}, got {facts.aerated_fraction:.0%}: dense tissue all round"
        )
    return None


def _shape_reason(facts: NoduleFacts, likeness: NoduleLikeness | None) -> Reason | None:
    found = None if likeness is None else likeness.log_odds(facts)
    if likeness is None or found is None or found >= likeness.log_odds_min:
        return None
    expected = f"a nodule's shape and surroundings, log odds of {likeness.log_odds_min:.1f} or more"
    return Reason("no_nodule_shape", f"Expected {expected}, got {found:.1f}, as of a vessel, the pleura or an organ")


def _outputs_reason(distance: float, distance_max: float) -> Reason | None:
    if distance <= distance_max:
        return None
    expected = f"outputs of the network at most {distance_max:.2f} (Mahalanobis) from the mean of those in training"
    return Reason("unlike_training", f"Expected {expected}, got {distance:.2f}")
