"""Nodules whose probabilities are right by construction, for tests of measures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def calibrated_nodules(
    n_nodules: int, n_patients: int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str]]:
    """Return labels drawn from the probabilities that come with them, and the patients."""
    random = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-random.normal(-0.5, 2, n_nodules)))
    labels = (random.random(n_nodules) < probability).astype(np.int64)
    return labels, probability, [f"patient {index % n_patients}" for index in range(n_nodules)]
