"""How well scores do within nodules of like size, scanner or patient, where the baseline cannot coast on size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .binary_labels import class_counts
from .metrics import Comparison, compare_scores

SIZE_STRATA = ("<6", "6-8", "8-15", ">15")
THICKNESS_STRATA = ("<=1.25", ">1.25 to 2.5", ">2.5")
AGE_STRATA = ("<50", "50-59", "60-69", ">=70")
UNKNOWN = "unknown"
MIN_PER_CLASS = 5
MIN_PATIENTS = 5
_THICKNESS_TOLERANCE_MM = 0.005  # headers hold 1.25 as 1.2500001 too


@dataclass(frozen=True)
class StratumResult:
    """How scores compare within one stratum, or why they were not compared.

    Args:
        counts: nodules, patients, malignant, benign.
        comparison: AUCs with intervals and paired differences to the baseline.
        why_not: the reason in words where there is no comparison, else None.
    """

    counts: Mapping[str, int]
    comparison: Comparison | None
    why_not: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return asdict(self)


def by_stratum(
    labels: Sequence[int],
    scores: Mapping[str, Sequence[float]],
    patients: Sequence[str],
    stratum_of: Sequence[str],
    baseline: str,
    order: Sequence[str] = (),
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, StratumResult]:
    """Return for each stratum the AUC of each score and its paired difference to the baseline.

    Where a class has fewer than 5 nodules or there are fewer than 5 patients, counts and the reason stand in for
    numbers that would say nothing. Strata are looked at one by one: with many of them, some intervals exclude zero
    by chance.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        scores: by name, one number a nodule, in the order of the labels.
        patients: the patient of each nodule.
        stratum_of: the stratum of each nodule.
        baseline: one of the names.
        order: strata to list first, in this order and though empty; others follow by name.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.
    """
    names = [*order, *sorted(set(stratum_of) - set(order))]
    members = {name: [index for index, of in enumerate(stratum_of) if of == name] for name in names}
    return {
        name: _compare(
            [labels[index] for index in inside],
            {score: [values[index] for index in inside] for score, values in scores.items()},
            [patients[index] for index in inside],
            baseline,
            n_resamples,
            seed,
        )
        for name, inside in members.items()
    }


def size_stratum(diameter_mm: float) -> str:
    """Return one of ``SIZE_STRATA``: below 6 mm, 6 to below 8, 8 to 15 with both ends, above 15.

    >>> [size_stratum(diameter) for diameter in (5.9, 6, 8, 15, 15.1)]
    ['<6', '6-8', '8-15', '8-15', '>15']
    """
    if diameter_mm < 6:
        return "<6"
    if diameter_mm < 8:
        return "6-8"
    return "8-15" if diameter_mm <= 15 else ">15"


def thickness_stratum(slice_thickness_mm: float | None) -> str:
    """Return one of ``THICKNESS_STRATA``, or "unknown".

    >>> [thickness_stratum(thickness) for thickness in (0.625, 1.25, 2.5, 3, None)]
    ['<=1.25', '<=1.25', '>1.25 to 2.5', '>2.5', 'unknown']
    """
    if slice_thickness_mm is None or not math.isfinite(slice_thickness_mm):
        return UNKNOWN
    if slice_thickness_mm <= 1.25 + _THICKNESS_TOLERANCE_MM:
        return "<=1.25"
    return ">1.25 to 2.5" if slice_thickness_mm <= 2.5 + _THICKNESS_TOLERANCE_MM else ">2.5"


def age_stratum(age_years: float | None) -> str:
    """Return one of ``AGE_STRATA``, or "unknown".

    >>> [age_stratum(age) for age in (49, 50, 69.9, 70, None)]
    ['<50', '50-59', '60-69', '>=70', 'unknown']
    """
    if age_years is None or not math.isfinite(age_years):
        return UNKNOWN
    return AGE_STRATA[int(np.searchsorted((50, 60, 70), age_years, side="right"))]


def _compare(
    labels: Sequence[int],
    scores: Mapping[str, Sequence[float]],
    patients: Sequence[str],
    baseline: str,
    n_resamples: int,
    seed: int,
) -> StratumResult:
    counts = class_counts(np.asarray(labels, dtype=int) == 1, patients)
    why_not = too_few(counts)
    if why_not:
        return StratumResult(counts, None, why_not)
    return StratumResult(counts, compare_scores(labels, scores, patients, baseline, n_resamples, seed), None)


def too_few(counts: Mapping[str, int]) -> str | None:
    """Return in words why so few nodules or patients tell nothing; None where they are enough."""
    for kind in ("malignant", "benign"):
        if counts[kind] < MIN_PER_CLASS:
            return f"too few {kind} nodules: {counts[kind]}, at least {MIN_PER_CLASS} are compared"
    if counts["patients"] < MIN_PATIENTS:
        return f"too few patients: {counts['patients']}, at least {MIN_PATIENTS} are compared"
    return None
