"""Whether a probability of malignancy means what it says, on labelled nodules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit
from scipy.stats import binomtest

from .binary_labels import malignant_mask, probability_array
from .bootstrap import estimate, patient_weights
from .estimate import Estimate
from .weighted_logistic import weighted_logistic

CLIP = 1e-6  # probabilities of 0 and 1 have no logit


@dataclass(frozen=True)
class Bin:
    """Nodules of like probability.

    Args:
        n: their number.
        mean_probability: what was said of them.
        fraction_malignant: what came true.
        low: of the fraction's 95 % Wilson interval, which takes nodules to be independent.
        high: the same.
    """

    n: int
    mean_probability: float
    fraction_malignant: float
    low: float
    high: float


@dataclass(frozen=True)
class CalibrationReport:
    """How well probabilities are calibrated, with 95 % patient-bootstrap intervals.

    Args:
        ece: expected calibration error over equal-mass bins: the mean over nodules of their bin's
            abs(mean probability - fraction malignant). Chance alone keeps it above 0: see ``expected_ece``. A
            resample adds chance of its own, so its interval leans upwards and may lie above the value.
        brier: mean squared error of the probability; 0 is perfect.
        slope: of the logistic regression of the label on the logit of the probability; 1 is right, below 1 is
            overconfident. None where the probabilities part the classes without a fault or are all equal, as no
            finite slope exists then; and where they do so in so many resamples that the interval has no finite end.
        intercept: calibration in the large, of that regression with its slope fixed at 1; 0 is right, above 0 the
            probabilities are too low.
        expected_ece: mean ECE of this data's probabilities if they were perfectly calibrated, by drawing the labels
            from them. An ECE near it is no sign of miscalibration; the ECE of few nodules is never near 0.
        bins: of the calibration plot, in rising order; fewer than asked where probabilities are equal.
    """

    ece: Estimate
    brier: Estimate
    slope: Estimate | None
    intercept: Estimate
    expected_ece: float
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return asdict(self)


def calibration_report(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Sequence[str],
    n_bins: int = 10,
    n_resamples: int = 2000,
    seed: int = 0,
) -> CalibrationReport:
    """Return how well probabilities of malignancy are calibrated.

    Slope and intercept: Cox, Biometrika 45 (1958) 562; Van Calster et al., BMC Medicine 17 (2019) 230.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        probabilities: of malignancy, one a nodule; for the logit they are kept 1e-6 off 0 and 1.
        patients: the patient of each nodule.
        n_bins: bins of equal numbers of nodules, set once on the whole data; equal probabilities share a bin.
        n_resamples: bootstrap samples, and draws for the expected ECE.
        seed: of both.

    Raises:
        ValueError: when a class is missing or a number is no probability.
    """
    is_malignant = malignant_mask(labels)
    probability = probability_array(probabilities, len(is_malignant))
    # The first row is the data as it is: one path gives the value and its samples.
    weights = np.vstack([np.ones(len(probability)), patient_weights(patients, n_resamples, seed)])
    membership = _bin_membership(probability, n_bins)
    error = probability - is_malignant
    slope = _slopes(probability, is_malignant, weights)
    return CalibrationReport(
        ece=_of_rows(_ece(weights * error, weights.sum(axis=1), membership)),
        brier=_of_rows(weights @ error**2 / weights.sum(axis=1)),
        slope=_of_rows(slope) if _has_interval(slope, is_malignant, weights) else None,
        intercept=_of_rows(_intercepts(probability, is_malignant, weights)),
        expected_ece=_expected_ece(probability, membership, n_resamples, seed),
        bins=tuple(_bin(probability[inside], is_malignant[inside]) for inside in membership.T.astype(bool)),
    )


def _of_rows(values: NDArray[np.float64]) -> Estimate:
    return estimate(values[0], values[1:])


def _bin_membership(probability: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Return 1 where a nodule (row) is in a bin (column); bins are of equal mass but for equal probabilities."""
    starts = np.arange(n_bins) * len(probability) // n_bins
    lowest = np.unique(np.sort(probability)[starts])
    bin_of = np.searchsorted(lowest, probability, side="right") - 1
    return np.asarray(bin_of[:, None] == np.arange(len(lowest)), dtype=np.float64)


def _ece(
    error: NDArray[np.float64], total: NDArray[np.float64] | float, membership: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the ECE of each row of probability less label, (n_rows, n_nodules), weighted or not."""
    return np.asarray(np.abs(error @ membership).sum(axis=1) / total)


def _expected_ece(probability: NDArray[np.float64], membership: NDArray[np.float64], n_draws: int, seed: int) -> float:
    drawn = np.random.default_rng(seed).random((n_draws, len(probability))) < probability
    return float(_ece(probability - drawn, len(probability), membership).mean())


def _slopes(
    probability: NDArray[np.float64], is_malignant: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the slope under each row of weights; NaN where none is finite."""
    position = logit(np.clip(probability, CLIP, 1 - CLIP))
    slopes = np.full(len(weights), np.nan)
    has_slope = _overlaps(position, is_malignant, weights)
    if has_slope.any():
        design = np.stack([np.ones_like(position), position], axis=1)
        slopes[has_slope] = weighted_logistic(design, is_malignant, weights[has_slope])[:, 1]
    return slopes


def _has_interval(slopes: NDArray[np.float64], is_malignant: NDArray[np.bool_], weights: NDArray[np.float64]) -> bool:
    """Return whether there is a slope, and so few samples of both classes without one that both ends are finite."""
    has_both = (weights @ is_malignant > 0) & (weights @ ~is_malignant > 0)
    # Without a finite slope a sample lies beyond one end: to pass over it would move that end inwards.
    return bool(np.isfinite(slopes[0]) and np.isnan(slopes[has_both]).mean() <= 0.025)


def _overlaps(
    position: NDArray[np.float64], is_malignant: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return for which rows of weights each class reaches above the other's lowest: only then is a slope finite."""
    is_in = weights > 0

    def lowest(members: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(np.where(is_in & members, position, np.inf).min(axis=1))

    def highest(members: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(np.where(is_in & members, position, -np.inf).max(axis=1))

    return np.asarray((highest(~is_malignant) > lowest(is_malignant)) & (highest(is_malignant) > lowest(~is_malignant)))


def _intercepts(
    probability: NDArray[np.float64], is_malignant: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the intercept at slope 1 under each row of weights; NaN where a sample holds one class only."""
    position = logit(np.clip(probability, CLIP, 1 - CLIP))
    has_both = (weights @ is_malignant > 0) & (weights @ ~is_malignant > 0)
    intercepts = np.full(len(weights), np.nan)
    ones = np.ones((len(position), 1))
    intercepts[has_both] = weighted_logistic(ones, is_malignant, weights[has_both], offset=position)[:, 0]
    return intercepts


def _bin(probability: NDArray[np.float64], is_malignant: NDArray[np.bool_]) -> Bin:
    n_malignant, n = int(is_malignant.sum()), len(is_malignant)
    interval = binomtest(n_malignant, n).proportion_ci(method="wilson")
    return Bin(n, float(probability.mean()), n_malignant / n, float(interval.low), float(interval.high))
