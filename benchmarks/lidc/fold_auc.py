"""Areas under the ROC curve within folds and over them, with one bootstrap of patients for all that is compared."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.metrics import Estimate, pairwise_wins, weighted_auc

from .scores import FoldScores


@dataclass(frozen=True)
class Sampled:
    """A value, and what each bootstrap sample of the patients gives for it; differences of two of them are paired."""

    value: float
    samples: NDArray[np.float64]

    def __sub__(self, other: Sampled) -> Sampled:
        return Sampled(self.value - other.value, self.samples - other.samples)

    def estimate(self) -> Estimate:
        """Return the value with its 95 % interval."""
        return estimate(self.value, self.samples)


class PatientBootstrap:
    """Bootstrap samples of patients, drawn once: a patient has one weight in all folds and repeats.

    Args:
        patients: all of them.
        n_resamples: samples.
        seed: of the draws.
    """

    def __init__(self, patients: Sequence[str], n_resamples: int = 2000, seed: int = 0) -> None:
        names = sorted(set(patients))
        self.n_resamples, self.seed = n_resamples, seed
        self._column = {name: column for column, name in enumerate(names)}
        self._weights = patient_weights(names, n_resamples, seed)

    def weights(self, patients: Sequence[str]) -> NDArray[np.float64]:
        """Return how often each nodule of these patients stands in each sample, (n_resamples, n_nodules)."""
        return self._weights[:, [self._column[name] for name in patients]]


def fold_mean_auc(folds: Sequence[FoldScores], bootstrap: PatientBootstrap) -> dict[str, Sampled]:
    """Return each score's AUC within folds, averaged over all folds; one that lacks a class is left out of the mean."""
    return _mean_over([_cell_auc([fold], bootstrap) for fold in folds])


def pooled_auc(folds: Sequence[FoldScores], bootstrap: PatientBootstrap) -> dict[str, Sampled]:
    """Return each score's AUC over all nodules of a repeat together, averaged over the repeats.

    The models of different folds need not be on one scale: a score that is calibrated in each fold is.
    """
    repeats = sorted({fold.key.rep for fold in folds})
    return _mean_over([_cell_auc([fold for fold in folds if fold.key.rep == rep], bootstrap) for rep in repeats])


def auc_of_fold(fold: FoldScores) -> dict[str, float]:
    """Return each score's AUC in one fold, the mean over its networks; NaN where the fold lacks a class."""
    ones = np.ones((1, len(fold.nodules)))
    return {name: float(_mean_auc(fold.labels, rows, ones)[0]) for name, rows in fold.scores.items()}


def _cell_auc(folds: Sequence[FoldScores], bootstrap: PatientBootstrap) -> dict[str, Sampled]:
    """Return the AUC of each score over the nodules of some folds of one repeat, the mean over its networks."""
    labels = np.concatenate([fold.labels for fold in folds])
    weights = bootstrap.weights([patient for fold in folds for patient in fold.patients])
    # The first row is the data as it is: one path gives the value and its samples.
    rows = np.vstack([np.ones(len(labels)), weights])
    aucs = {
        name: _mean_auc(labels, np.concatenate([fold.scores[name] for fold in folds], axis=1), rows)
        for name in folds[0].scores
    }
    return {name: Sampled(float(auc[0]), auc[1:]) for name, auc in aucs.items()}


def _mean_auc(
    labels: NDArray[np.int_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the AUC under each row of weights, the mean over the networks (rows of scores)."""
    is_malignant = labels == 1
    aucs = [weighted_auc(pairwise_wins(is_malignant, of_network), weights, is_malignant) for of_network in scores]
    return np.asarray(np.mean(aucs, axis=0))


def _mean_over(cells: Sequence[Mapping[str, Sampled]]) -> dict[str, Sampled]:
    with warnings.catch_warnings():
        # A sample without a pair of nodules in any fold has no mean: it stays NaN, and the interval passes over it.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return {
            name: Sampled(
                float(np.nanmean([cell[name].value for cell in cells])),
                np.asarray(np.nanmean([cell[name].samples for cell in cells], axis=0)),
            )
            for name in cells[0]
        }
