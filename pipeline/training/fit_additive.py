"""Fits the sum of characteristics and size to a network's scores, and says how much of them it explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nodulus.pipeline.readout.additive import TERMS, AdditiveModel, Term
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights

# Characteristics rise together (margin with texture, lobulation with spiculation): without a penalty they get large
# slopes of opposite sign, which other patients would not repeat.
PENALTY = 10.0
FOLDS = 5


def fit_additive(
    values: Sequence[Mapping[str, float]], logits: ArrayLike, patients: Sequence[str]
) -> AdditiveModel | None:
    """Return the sum that comes nearest to some calibrated logits.

    Args:
        values: of the terms of each nodule, by name.
        logits: of the calibrated probability of malignancy.
        patients: the patient of each nodule.

    Returns:
        None where there is nothing to explain (all logits are equal) or there are not two patients.
    """
    y = np.asarray(logits, dtype=np.float64)
    n_patients = len(set(patients))
    if n_patients < 2 or np.ptp(y) == 0:
        return None
    x = np.asarray([[each[name] for name in TERMS] for each in values])
    model = make_pipeline(StandardScaler(), Ridge(PENALTY))
    unseen = cross_val_predict(model, x, y, groups=list(patients), cv=GroupKFold(min(FOLDS, n_patients)))
    scaler, ridge = model.fit(x, y).named_steps.values()
    terms = {
        name: Term(average=float(average), slope=float(slope))
        for name, average, slope in zip(TERMS, scaler.mean_, ridge.coef_ / scaler.scale_, strict=True)
    }
    weights = patient_weights(patients)
    with np.errstate(invalid="ignore", divide="ignore"):  # a sample may hold one nodule, over and over
        sampled = _explained(y, unseen, weights)
    whole = _explained(y, unseen, np.ones((1, len(y))))
    return AdditiveModel(
        average_logit=float(y.mean()),
        terms=terms,
        explained=estimate(float(whole[0]), np.where(np.isfinite(sampled), sampled, np.nan)),
    )


def _explained(
    y: NDArray[np.float64], predicted: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return R squared under each row of weights."""
    n, mean = weights.sum(axis=1), weights @ y / weights.sum(axis=1)
    spread = weights @ y**2 - n * mean**2
    return np.asarray(1 - weights @ (y - predicted) ** 2 / spread)
