"""ROC, precision-recall and decision curves, with the bands that few patients leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, roc_curve

from .binary_labels import malignant_mask, probability_array, score_array
from .bootstrap import band, estimate, patient_weights
from .estimate import Band, Estimate
from .metrics import compare_scores


@dataclass(frozen=True)
class RocBand:
    """A receiver operating characteristic.

    Args:
        false_positive_rate: fixed grid, 0 to 1.
        sensitivity: at each point of the grid, with its 95 % band.
        auc: area under the curve.
        steps_false_positive_rate: the curve's own corners.
        steps_sensitivity: the same.
    """

    false_positive_rate: tuple[float, ...]
    sensitivity: Band
    auc: Estimate
    steps_false_positive_rate: tuple[float, ...]
    steps_sensitivity: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class PrecisionRecallBand:
    """A precision-recall curve.

    Args:
        recall: fixed grid, above 0 to 1.
        precision: at the highest threshold that reaches each recall, with its 95 % band; not interpolated.
        average_precision: as scikit-learn defines it.
        prevalence: share of malignant nodules, the precision of chance.
    """

    recall: tuple[float, ...]
    precision: Band
    average_precision: Estimate
    prevalence: float

    def as_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of acting on a probability, by the threshold probability at which one would act.

    Args:
        thresholds: fixed grid.
        net_benefit: by name of the score, with its 95 % band.
        treat_all: net benefit of acting on every nodule.
        treat_none: of acting on none: 0.
    """

    thresholds: tuple[float, ...]
    net_benefit: Mapping[str, Band]
    treat_all: Band
    treat_none: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types."""
        return asdict(self)


def roc_curve_band(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: Sequence[str],
    n_points: int = 101,
    n_resamples: int = 2000,
    seed: int = 0,
) -> RocBand:
    """Return the ROC curve, straight between its corners, with a band for each false positive rate.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        scores: one number a nodule, on any scale; larger is more suspicious.
        patients: the patient of each nodule.
        n_points: of the grid of false positive rates.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when a class or a score is missing.
    """
    is_malignant = malignant_mask(labels)
    score = score_array(scores, len(is_malignant))
    grid = np.linspace(0, 1, n_points)
    weights = patient_weights(patients, n_resamples, seed)
    sampled = [
        _sensitivity(grid, *counts) for counts in zip(*_counts_called(is_malignant, score, weights), strict=True)
    ]
    false_positive_rate, sensitivity, _ = roc_curve(is_malignant, score)
    whole = _counts_called(is_malignant, score, np.ones((1, len(score))))
    comparison = compare_scores(
        is_malignant.astype(int).tolist(), {"score": score.tolist()}, patients, "score", n_resamples, seed
    )
    return RocBand(
        false_positive_rate=tuple(grid.tolist()),
        sensitivity=band(_sensitivity(grid, whole[0][0], whole[1][0]), sampled),
        auc=comparison.auc["score"],
        steps_false_positive_rate=tuple(false_positive_rate.tolist()),
        steps_sensitivity=tuple(sensitivity.tolist()),
    )


def precision_recall_band(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: Sequence[str],
    n_points: int = 100,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PrecisionRecallBand:
    """Return the precision-recall curve with a band for each recall, and the average precision.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        scores: one number a nodule, on any scale; larger is more suspicious.
        patients: the patient of each nodule.
        n_points: of the grid of recalls, ``1 / n_points`` to 1.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when a class or a score is missing.
    """
    is_malignant = malignant_mask(labels)
    score = score_array(scores, len(is_malignant))
    grid = np.arange(1, n_points + 1) / n_points
    weights = patient_weights(patients, n_resamples, seed)
    sampled = list(zip(*_counts_called(is_malignant, score, weights), strict=True))
    whole = _counts_called(is_malignant, score, np.ones((1, len(score))))
    return PrecisionRecallBand(
        recall=tuple(grid.tolist()),
        precision=band(_precision(grid, whole[0][0], whole[1][0]), [_precision(grid, *counts) for counts in sampled]),
        average_precision=estimate(
            float(average_precision_score(is_malignant, score)), [_average_precision(*counts) for counts in sampled]
        ),
        prevalence=float(is_malignant.mean()),
    )


def decision_curve(
    labels: ArrayLike,
    probabilities: Mapping[str, ArrayLike],
    patients: Sequence[str],
    thresholds: ArrayLike | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    prevalence: float | None = None,
) -> DecisionCurve:
    """Return the net benefit of several probabilities by threshold, beside acting on all nodules and on none.

    At threshold t: true positives less t / (1 - t) false positives, a nodule (Vickers & Elkin, Medical Decision
    Making 26 (2006) 565). A nodule is called malignant where its probability is at least t.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        probabilities: of malignancy, by name, one a nodule; calibrated ones only, as the threshold is a probability.
        patients: the patient of each nodule.
        thresholds: grid of threshold probabilities in 0 (inclusive) to 1 (exclusive); 0.01 to 0.99 without.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.
        prevalence: share of malignant nodules that the benefit is told for, each class then weighing as it would
            there; None is that of the nodules. The probabilities are to be of the same prevalence.

    Raises:
        ValueError: when a class is missing, a number is no probability or a threshold is not in the range.
    """
    is_malignant = malignant_mask(labels)
    grid = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    if grid.min() < 0 or grid.max() >= 1:
        msg = f"Expected thresholds from 0 to below 1, got {grid.min():g} to {grid.max():g}"
        raise ValueError(msg)
    # The first row is the data as it is.
    weights = np.vstack([np.ones(len(is_malignant)), patient_weights(patients, n_resamples, seed)])
    # What acting on a nodule is worth (column, by threshold): 1 where malignant, the odds of the threshold lost if not.
    worth = np.where(is_malignant[:, None], 1.0, -grid / (1 - grid))

    if prevalence is not None:
        weights = _at_prevalence(weights, is_malignant, prevalence)

    def net_benefit(is_called: NDArray[np.bool_]) -> Band:
        rows = weights @ (is_called * worth) / weights.sum(axis=1, keepdims=True)
        return band(rows[0], rows[1:])

    return DecisionCurve(
        thresholds=tuple(grid.tolist()),
        net_benefit={
            name: net_benefit(probability_array(values, len(is_malignant), name)[:, None] >= grid)
            for name, values in probabilities.items()
        },
        treat_all=net_benefit(np.ones((len(is_malignant), 1), dtype=bool)),
        treat_none=(0.0,) * len(grid),
    )


def _at_prevalence(
    weights: NDArray[np.float64], is_malignant: NDArray[np.bool_], prevalence: float
) -> NDArray[np.float64]:
    """Return the weights with each class scaled to its share; NaN in a row that lacks one."""
    shares = np.where(is_malignant, prevalence, 1 - prevalence)
    totals = np.where(is_malignant, (weights @ is_malignant)[:, None], (weights @ ~is_malignant)[:, None])
    return np.asarray(np.divide(weights * shares, totals, out=np.full(weights.shape, np.nan), where=totals > 0))


def _counts_called(
    is_malignant: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the true and the false positives at each score as threshold, falling, (n_rows, n_distinct_scores)."""
    order = np.argsort(-scores, kind="stable")
    is_last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    true = np.cumsum(weights[:, order] * is_malignant[order], axis=1)[:, is_last_of_ties]
    false = np.cumsum(weights[:, order] * ~is_malignant[order], axis=1)[:, is_last_of_ties]
    return true, false


def _sensitivity(
    grid: NDArray[np.float64], true: NDArray[np.float64], false: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sensitivity at each false positive rate, the upper one where the curve rises straight up."""
    if true[-1] == 0 or false[-1] == 0:
        return np.full(len(grid), np.nan)
    return np.asarray(np.interp(grid, np.append(0, false / false[-1]), np.append(0, true / true[-1])))


def _precision(grid: NDArray[np.float64], true: NDArray[np.float64], false: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the precision at the highest threshold that reaches each recall; NaN in a sample with no malignant one."""
    if true[-1] == 0:
        return np.full(len(grid), np.nan)
    reached = np.searchsorted(true / true[-1], grid)
    return np.asarray(true[reached] / (true[reached] + false[reached]))


def _average_precision(true: NDArray[np.float64], false: NDArray[np.float64]) -> float:
    """Return the precision at each threshold, weighted by the recall it adds; NaN in a sample with no malignant one."""
    if true[-1] == 0:
        return float("nan")
    adds = np.diff(true, prepend=0.0)
    is_adding = adds > 0
    precision = true[is_adding] / (true[is_adding] + false[is_adding])
    return float((adds[is_adding] * precision).sum() / true[-1])
