"""Whether two scores of the same nodules differ in AUC, by DeLong's test."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from .binary_labels import malignant_mask, score_array
from .estimate import Estimate


@dataclass(frozen=True)
class DelongResult:
    """Two areas under the ROC curve and their difference (first less second), with normal 95 % intervals.

    Args:
        auc_first: area of the first score.
        auc_second: area of the second score.
        difference: first less second.
        p_value: two-sided, of no difference.
    """

    auc_first: Estimate
    auc_second: Estimate
    difference: Estimate
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return asdict(self)


def delong_test(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> DelongResult:
    """Return the AUCs of two scores of the same nodules and the test of their difference, ties counting half.

    The test takes nodules to be independent. Nodules of one patient are not, so its intervals are too narrow where
    patients have several: read it beside the patient bootstrap of ``compare_scores``, which stands when they disagree.

    DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988) 837; by mid-ranks, Sun & Xu, IEEE Signal Processing
    Letters 21 (2014) 1389. Intervals are normal, cut at the bounds of an area and of a difference.

    Args:
        labels: 0 benign, 1 malignant, at least two of each.
        first: one number a nodule, in the order of the labels; larger is more suspicious.
        second: the same of the other score.

    Returns:
        The result. The p-value is 1 where both scores order the nodules alike, and 0 where the areas differ without
        any variance.

    Raises:
        ValueError: when a class has fewer than two nodules, or scores are missing.
    """
    is_malignant = malignant_mask(labels)
    if min(is_malignant.sum(), (~is_malignant).sum()) < 2:
        msg = (
            f"Expected two nodules of each class, got {is_malignant.sum()} malignant and {(~is_malignant).sum()} benign"
        )
        raise ValueError(msg)
    n_nodules = len(is_malignant)
    above, below = _placements(is_malignant, score_array(first, n_nodules, "first"))
    other_above, other_below = _placements(is_malignant, score_array(second, n_nodules, "second"))
    # The differences of the placements, not the covariances of the areas: those of equal orders cancel exactly.
    difference, error = _mean_and_error(above - other_above, below - other_below)
    return DelongResult(
        auc_first=_normal_interval(*_mean_and_error(above, below), lowest=0.0),
        auc_second=_normal_interval(*_mean_and_error(other_above, other_below), lowest=0.0),
        difference=_normal_interval(difference, error, lowest=-1.0),
        p_value=_p_value(difference, error),
    )


def _placements(
    is_malignant: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each malignant nodule's share of benign ones below it, and each benign one's of malignant above it."""
    ranks = rankdata(scores)
    malignant, benign = scores[is_malignant], scores[~is_malignant]
    above = (ranks[is_malignant] - rankdata(malignant)) / len(benign)
    below = 1 - (ranks[~is_malignant] - rankdata(benign)) / len(malignant)
    return np.asarray(above), np.asarray(below)


def _mean_and_error(above: NDArray[np.float64], below: NDArray[np.float64]) -> tuple[float, float]:
    variance = above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)
    return float(above.mean()), float(np.sqrt(variance))


def _normal_interval(value: float, error: float, lowest: float) -> Estimate:
    half = float(norm.ppf(0.975)) * error
    return Estimate(value, max(value - half, lowest), min(value + half, 1.0))


def _p_value(difference: float, error: float) -> float:
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * norm.sf(abs(difference) / error))
