"""Fits the likeness: a penalised logistic regression of measures, their squares and their products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from nodulus.pipeline.readout.nodule_likeness import with_products

from .samples import Samples

# Nodules and places weigh alike together; of the places the two kinds that are hard to tell weigh most.
WEIGHTS = {"vessels": 3.0, "beside_lung": 3.0, "lung": 1.5}
PENALTY = 3.0
VIEWS = ("own box", "diameter box")


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted likeness, see `NoduleLikeness`."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercept: float

    def log_odds(self, measures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log odds (n,) of measures (n, MEASURES)."""
        return np.asarray(with_products((measures - self.mean) / self.scale) @ self.coefficients + self.intercept)


def fit(samples: Samples) -> Fit:
    """Return the likeness of nodules against places."""
    mean, scale = samples.measures.mean(axis=0), samples.measures.std(axis=0)
    terms = with_products((samples.measures - mean) / scale)
    # Products of scaled measures are scaled, too, so that the penalty means the same to all.
    middle, spread = terms.mean(axis=0), terms.std(axis=0)
    weights = np.asarray([WEIGHTS.get(kind, 1.0) for kind in samples.kind])
    weights[samples.is_nodule] *= weights[~samples.is_nodule].sum() / weights[samples.is_nodule].sum()
    model = LogisticRegression(C=1 / PENALTY, solver="newton-cholesky", tol=1e-6)
    model.fit((terms - middle) / spread, samples.is_nodule, sample_weight=weights / weights.mean())
    coefficients = model.coef_[0] / spread
    return Fit(mean, scale, coefficients, float(model.intercept_[0] - coefficients @ middle))


def limit(fitted: Fit, nodules: Samples, flagged_max: float) -> float:
    """Return the log odds below which no more than a part of the nodules lie, seen through both boxes as given."""
    seen = nodules.measures[nodules.is_nodule & np.isin(nodules.kind, VIEWS)]
    ordered = np.sort(fitted.log_odds(seen))
    return float(ordered[int(flagged_max * len(ordered))])
