"""How well scores tell malignant from benign nodules, with the uncertainty that few patients leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .binary_labels import class_counts, malignant_mask, score_array
from .bootstrap import estimate, patient_weights
from .estimate import Estimate

__all__ = ["Comparison", "Estimate", "compare_scores", "roc_auc"]


@dataclass(frozen=True)
class Comparison:
    """Areas under the ROC curve of several scores of the same nodules, and their paired differences to a baseline.

    Args:
        auc: area under the ROC curve by name of the score.
        difference: area of each score less the baseline's, by name of the score.
        baseline: the name of the baseline.
        counts: nodules, patients, malignant, benign.
        n_resamples: bootstrap samples behind the intervals; patients are resampled, with all their nodules.
    """

    auc: Mapping[str, Estimate]
    difference: Mapping[str, Estimate]
    baseline: str
    counts: Mapping[str, int]
    n_resamples: int

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        return asdict(self)


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the chance that a malignant nodule (label 1) scores above a benign one (label 0), ties counting half.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    is_malignant = malignant_mask(labels)
    return float(pairwise_wins(is_malignant, score_array(scores, len(is_malignant))).mean())


def compare_scores(
    labels: Sequence[int],
    scores: Mapping[str, Sequence[float]],
    patients: Sequence[str],
    baseline: str,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Return the AUC of each score and its paired difference to the baseline, with patient-bootstrap intervals.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        scores: by name, one number a nodule, in the order of the labels.
        patients: the patient of each nodule.
        baseline: one of the names.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when a class or a score is missing.
    """
    is_malignant = malignant_mask(labels)
    weights = patient_weights(patients, n_resamples, seed)
    value = {name: roc_auc(labels, score) for name, score in scores.items()}
    sampled = {
        name: weighted_auc(pairwise_wins(is_malignant, np.asarray(score, dtype=np.float64)), weights, is_malignant)
        for name, score in scores.items()
    }
    others = [name for name in scores if name != baseline]
    return Comparison(
        auc={name: estimate(value[name], sampled[name]) for name in scores},
        difference={
            name: estimate(value[name] - value[baseline], sampled[name] - sampled[baseline]) for name in others
        },
        baseline=baseline,
        counts=class_counts(is_malignant, patients),
        n_resamples=n_resamples,
    )


def pairwise_wins(is_malignant: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for every malignant (row) and benign (column) nodule 1 if it scores higher, 0.5 on a tie, else 0."""
    malignant, benign = scores[is_malignant, None], scores[None, ~is_malignant]
    return np.asarray((malignant > benign) + 0.5 * (malignant == benign))


def weighted_auc(
    wins: NDArray[np.float64], weights: NDArray[np.float64], is_malignant: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the AUC under each row of weights; NaN where a sample holds one class only."""
    malignant, benign = weights[:, is_malignant], weights[:, ~is_malignant]
    pairs = malignant.sum(axis=1) * benign.sum(axis=1)
    won = ((malignant @ wins) * benign).sum(axis=1)
    return np.asarray(np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))
