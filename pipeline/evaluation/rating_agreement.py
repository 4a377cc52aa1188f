"""How near predicted characteristics come to what the readers rated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate


def spearman(
    predicted: ArrayLike, rated: ArrayLike, patients: Sequence[str], n_resamples: int = 2000, seed: int = 0
) -> Estimate | None:
    """Return Spearman's rank correlation with its patient-bootstrap interval; None where a side never changes.

    Args:
        predicted: one number a nodule.
        rated: the readers' mean, one a nodule.
        patients: the patient of each nodule.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.
    """
    weights = _weights(patients, n_resamples, seed)
    rho = _correlation(_ranks(predicted, weights), _ranks(rated, weights), weights)
    return None if np.isnan(rho[0]) else estimate(rho[0], rho[1:])


def mean_absolute_error(
    predicted: ArrayLike, rated: ArrayLike, patients: Sequence[str], n_resamples: int = 2000, seed: int = 0
) -> Estimate:
    """Return the mean distance between prediction and rating with its patient-bootstrap interval; see ``spearman``."""
    weights = _weights(patients, n_resamples, seed)
    errors = np.abs(np.asarray(predicted, dtype=np.float64) - np.asarray(rated, dtype=np.float64))
    means = weights @ errors / weights.sum(axis=1)
    return estimate(means[0], means[1:])


def _weights(patients: Sequence[str], n_resamples: int, seed: int) -> NDArray[np.float64]:
    """Return how often each nodule counts; the first row is the data as it is."""
    return np.vstack([np.ones(len(patients)), patient_weights(patients, n_resamples, seed)])


def _ranks(values: ArrayLike, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mid-rank of each nodule in each sample, (n_samples, n_nodules), repeats counted."""
    distinct, place = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    counts = weights @ np.eye(len(distinct))[place]
    return np.asarray((np.cumsum(counts, axis=1) - counts / 2)[:, place])


def _correlation(
    first: NDArray[np.float64], second: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Pearson's correlation under each row of weights; NaN where a side is constant."""
    total = weights.sum(axis=1, keepdims=True)
    a = first - (weights * first).sum(axis=1, keepdims=True) / total
    b = second - (weights * second).sum(axis=1, keepdims=True) / total
    covariance = (weights * a * b).sum(axis=1)
    spread = np.sqrt((weights * a**2).sum(axis=1) * (weights * b**2).sum(axis=1))
    return np.asarray(np.divide(covariance, spread, out=np.full(len(spread), np.nan), where=spread > 1e-9))
