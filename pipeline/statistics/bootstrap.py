"""Resamples patients with all their nodules, since nodules of one patient are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Band, Estimate

PERCENTILES = (2.5, 97.5)


def patient_weights(patients: Sequence[str], n_resamples: int = 2000, seed: int = 0) -> NDArray[np.float64]:
    """Return how often each nodule stands in each bootstrap sample of the patients, (n_resamples, n_nodules).

    A sample draws as many patients as there are, with replacement, each with all its nodules. One seed gives the
    same samples to every measure, which is what makes differences paired.

    Args:
        patients: the patient of each nodule.
        n_resamples: bootstrap samples.
        seed: of the draws.
    """
    names, patient_of = np.unique(np.asarray(patients), return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_resamples)
    return np.asarray(draws[:, patient_of], dtype=np.float64)


def estimate(value: float, sampled: ArrayLike) -> Estimate:
    """Return a value with the 95 % percentile interval of its bootstrap samples.

    Args:
        value: what the whole data gives.
        sampled: what each bootstrap sample gives; NaN, where a sample leaves it undefined, is passed over.

    Raises:
        ValueError: when no sample defines it.
    """
    low, high = _interval(np.asarray(sampled, dtype=np.float64)[:, None])
    return Estimate(float(value), float(low[0]), float(high[0]))


def band(value: ArrayLike, sampled: ArrayLike) -> Band:
    """Return a curve with the 95 % percentile interval at each point of its grid.

    Args:
        value: what the whole data gives, (n_points,).
        sampled: what each bootstrap sample gives, (n_resamples, n_points); NaN is passed over.

    Raises:
        ValueError: when no sample defines a point.
    """
    low, high = _interval(np.asarray(sampled, dtype=np.float64))
    curve = np.asarray(value, dtype=np.float64)
    return Band(tuple(curve.tolist()), tuple(low.tolist()), tuple(high.tolist()))


def _interval(sampled: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if np.isnan(sampled).all(axis=0).any():
        msg = f"Expected a bootstrap sample that defines the value, got none in {len(sampled)}"
        raise ValueError(msg)
    low, high = np.nanpercentile(sampled, PERCENTILES, axis=0)
    return np.asarray(low), np.asarray(high)
