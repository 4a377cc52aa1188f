"""AUC where a nodule may have several labels: over pairs of nodules, with the interval of patients drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import pairwise_wins

from .panels import Readings


@dataclass(frozen=True)
class Pairs:
    """A score's pairs of a malignant (row) and a benign (column) nodule; none is paired with itself.

    Args:
        compared: (n_nodules, n_nodules), how often the row is called malignant and the column benign.
        won: likewise, how often the first then scores higher, ties counting half.
    """

    compared: NDArray[np.float64]
    won: NDArray[np.float64]


def count_pairs(readings: Readings, scores: NDArray[np.float64]) -> Pairs:
    """Return a score's pairs.

    Args:
        readings: who is called what.
        scores: a number a row of the readings; of several repeats, (n_repeats, n_rows), their mean counts.
    """
    is_malignant = readings.labels == 1
    ours = np.zeros((readings.n_nodules, len(readings.labels)))
    ours[readings.nodules, np.arange(len(readings.labels))] = readings.weights
    malignant, benign = ours[:, is_malignant], ours[:, ~is_malignant]
    wins = np.mean([pairwise_wins(is_malignant, each) for each in np.atleast_2d(scores)], axis=0)
    won, compared = malignant @ wins @ benign.T, np.outer(malignant.sum(axis=1), benign.sum(axis=1))
    np.fill_diagonal(won, 0)
    np.fill_diagonal(compared, 0)
    return Pairs(compared, won)


def auc(pairs: Pairs, patients: Sequence[str]) -> Estimate:
    """Return the share of pairs that a score wins."""
    return estimate(float(pairs.won.sum() / pairs.compared.sum()), _sampled(pairs, patient_weights(patients)))


def auc_gain(pairs: Pairs, others: Pairs, patients: Sequence[str]) -> Estimate:
    """Return the AUC of a score less that of another on the same readings, paired."""
    value = float((pairs.won - others.won).sum() / pairs.compared.sum())
    weights = patient_weights(patients)
    return estimate(value, _sampled(pairs, weights) - _sampled(others, weights))


def _sampled(pairs: Pairs, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    won, compared = (((weights @ each) * weights).sum(axis=1) for each in (pairs.won, pairs.compared))
    return np.asarray(np.divide(won, compared, out=np.full(len(won), np.nan), where=compared > 0))
