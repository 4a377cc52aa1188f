"""Checks the labels and scores that a measure is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def malignant_mask(labels: ArrayLike) -> NDArray[np.bool_]:
    """Return which nodules are malignant (label 1).

    Raises:
        ValueError: when the labels are not 0 and 1, both present.
    """
    values = np.asarray(labels)
    found = sorted(set(values.tolist()))
    if found != [0, 1]:
        msg = f"Expected labels 0 and 1, both present, got {found}"
        raise ValueError(msg)
    return np.asarray(values == 1)


def score_array(scores: ArrayLike, n_nodules: int, name: str = "scores") -> NDArray[np.float64]:
    """Return scores as an array.

    Raises:
        ValueError: when their number is not that of the labels, or one is not a number.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (n_nodules,):
        msg = f"Expected one number a nodule, {n_nodules}, in {name}, got shape {values.shape}"
        raise ValueError(msg)
    if np.isnan(values).any():
        msg = f"Expected a number for each nodule in {name}, got NaN for {int(np.isnan(values).sum())} of {n_nodules}"
        raise ValueError(msg)
    return values


def probability_array(probabilities: ArrayLike, n_nodules: int, name: str = "probabilities") -> NDArray[np.float64]:
    """Return probabilities as an array.

    Raises:
        ValueError: as ``score_array``, and when one lies outside 0..1.
    """
    values = score_array(probabilities, n_nodules, name)
    if values.min() < 0 or values.max() > 1:
        msg = f"Expected {name} between 0 and 1, got {values.min():g} to {values.max():g}"
        raise ValueError(msg)
    return values


def class_counts(is_malignant: NDArray[np.bool_], patients: Sequence[str]) -> Mapping[str, int]:
    """Return the numbers of nodules, patients, malignant and benign nodules."""
    n_malignant = int(is_malignant.sum())
    return {
        "nodules": len(is_malignant),
        "patients": len(set(patients)),
        "malignant": n_malignant,
        "benign": len(is_malignant) - n_malignant,
    }
