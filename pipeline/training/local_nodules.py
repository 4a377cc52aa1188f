"""The nodules of another place as a local calibration sees them: image score, size, patient and label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from nodulus.pipeline.readout.patient_facts import COLUMNS
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.transforms.problems import UsageError

# Fewer of a class leave folds without it, and no interval that says anything.
MIN_PER_CLASS = 10
FOLDS = 5
Indices = NDArray[np.intp]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class LocalNodules:
    """Labelled nodules of one place, a row each.

    Args:
        logits: of malignancy, as the shipped calibration gives them, of the image alone.
        log_diameters: natural logarithm of the diameter in mm.
        labels: 1 malignant, 0 benign.
        patients: the patient of each; nodules of one are never parted.
        facts: what is known of each patient, (n_nodules, n_columns) in the order of ``patient_facts.COLUMNS``; NaN
            where it is not.
    """

    logits: Values
    log_diameters: Values
    labels: NDArray[np.intp]
    patients: tuple[str, ...]
    facts: Values

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, rows: Indices) -> LocalNodules:
        """Return some of the nodules."""
        patients = tuple(self.patients[row] for row in rows)
        return LocalNodules(self.logits[rows], self.log_diameters[rows], self.labels[rows], patients, self.facts[rows])

    def column(self, name: str) -> Values:
        """Return one of the numbers that are known of the patients."""
        return self.facts[:, COLUMNS.index(name)]


def check_enough(nodules: LocalNodules) -> None:
    """Raise where the nodules are too few to say anything.

    Raises:
        UsageError: they are.
    """
    n_malignant, n_patients = int(nodules.labels.sum()), len(set(nodules.patients))
    n_benign = len(nodules) - n_malignant
    if min(n_malignant, n_benign) < MIN_PER_CLASS or n_patients < FOLDS:
        raise UsageError(
            f"Expected at least {MIN_PER_CLASS} malignant and {MIN_PER_CLASS} benign nodules of {FOLDS} patients to"
            f" calibrate by, got {n_malignant} and {n_benign} of {n_patients}"
        )


def patient_folds(nodules: LocalNodules, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Yield the rows to fit and the rows to test of each fold; no patient stands in both, the classes are balanced."""
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for fits, tests in splitter.split(nodules.logits, nodules.labels, nodules.patients):
        if len(tests) and len(set(nodules.labels[fits].tolist())) == 2:
            yield fits, tests


def log_loss(logits: Values, labels: NDArray[np.intp]) -> Values:
    """Return the log loss of each nodule, in nats; 0 is sure and right."""
    return np.asarray(np.logaddexp(0, logits) - labels * logits)


def mean_gain(gains: Values, patients: Sequence[str], n_resamples: int = 2000, seed: int = 0) -> Estimate:
    """Return the mean of one value a nodule, with the interval that drawing the patients anew gives."""
    weights = patient_weights(patients, n_resamples, seed)
    return estimate(float(gains.mean()), weights @ gains / weights.sum(axis=1))
