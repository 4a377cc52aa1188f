"""How far do some numbers of a nodule lie from those of the nodules in training?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from nodulus.pipeline.records import Record


class DistanceLimits(Record):
    """Where numbers of the training nodules lie: mean (n,), precision (n, n), and a Mahalanobis distance."""

    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    distance_max: float

    @model_validator(mode="after")
    def _check(self) -> DistanceLimits:
        n = len(self.mean)
        if [len(row) for row in self.precision] != [n] * n:
            found = f"{len(self.precision)} rows of {', '.join(sorted({str(len(row)) for row in self.precision}))}"
            msg = f"expected a precision of {n} rows of {n} for a mean of {n} numbers, got {found}"
            raise ValueError(msg)
        return self

    def distance(self, numbers: ArrayLike) -> float:
        """Return the Mahalanobis distance of numbers (n,) from the mean.

        Raises:
            ValueError: there are not as many as in training.
        """
        row = np.asarray(numbers, dtype=np.float64)
        if row.shape != (len(self.mean),):
            raise ValueError(f"Expected {len(self.mean)} numbers, as in training, got the shape {row.shape}")
        away = row - np.asarray(self.mean)
        return float(np.sqrt(away @ np.asarray(self.precision) @ away))


def fit_distance(rows: NDArray[np.floating[Any]], quantile: float) -> DistanceLimits:
    """Return the limits that a part of some rows (n, numbers) keeps; shrunk, as numbers may say nearly the same."""
    # Loaded late: reading a range needs no scikit-learn, whose import takes longer than scoring a nodule.
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(rows)
    precision = tuple(tuple(row) for row in fitted.precision_.tolist())
    limits = DistanceLimits(mean=tuple(fitted.location_.tolist()), precision=precision, distance_max=0.0)
    distances = [limits.distance(row) for row in rows]
    return limits.model_copy(update={"distance_max": float(np.quantile(distances, quantile))})
