"""The yardstick of the check against diagnoses: one reader, as one radiologist would read, not the mean of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import pairwise_wins, weighted_auc

from .groups import ratings_of
from .predictions import Prediction
from .record import Context


def readings_of(patients: Sequence[Sequence[Prediction]]) -> list[list[int]] | None:
    """Return for each patient the largest rating of the nodules by each reader; None where a nodule has no ratings.

    Readers are matched by their order in each nodule's ratings, which is all that the list tells of them.
    """
    rated = [[ratings_of(nodule) for nodule in nodules] for nodules in patients]
    if not all(ratings for nodules in rated for ratings in nodules):
        return None
    return [
        [max(ratings[reader % len(ratings)] for ratings in nodules) for reader in range(max(map(len, nodules)))]
        for nodules in rated
    ]


def against_one_reader(
    labels: Sequence[int],
    scores: Mapping[str, Sequence[float]],
    readings: Sequence[Sequence[int]],
    patients: Sequence[str],
    context: Context,
) -> tuple[Estimate, dict[str, Estimate]]:
    """Return the AUC of one reader, drawn anew for each patient, and of each score less it, paired over patients.

    Args:
        labels: 0 benign, 1 malignant, one a patient.
        scores: by name, one number a patient.
        readings: each reader's rating of each patient.
        patients: their names.
        context: how to resample.
    """
    is_malignant = np.asarray(labels) == 1
    weights = np.vstack([np.ones(len(labels)), patient_weights(patients, context.n_resamples, context.seed)])
    reader = weighted_auc(_expected_wins(readings, is_malignant), weights, is_malignant)
    less = {
        name: weighted_auc(pairwise_wins(is_malignant, np.asarray(values, dtype=np.float64)), weights, is_malignant)
        - reader
        for name, values in scores.items()
    }
    return _of_rows(reader), {name: _of_rows(rows) for name, rows in less.items()}


def _expected_wins(readings: Sequence[Sequence[int]], is_malignant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for every malignant (row) and benign (column) patient how often two readers, one each, rank them right."""
    malignant = [each for each, is_row in zip(readings, is_malignant, strict=True) if is_row]
    benign = [each for each, is_row in zip(readings, is_malignant, strict=True) if not is_row]
    return np.asarray([[_wins(high, low) for low in benign] for high in malignant])


def _wins(high: Sequence[int], low: Sequence[int]) -> float:
    above, below = np.asarray(high)[:, None], np.asarray(low)[None, :]
    return float(((above > below) + 0.5 * (above == below)).mean())


def _of_rows(rows: NDArray[np.float64]) -> Estimate:
    return estimate(float(rows[0]), rows[1:])
