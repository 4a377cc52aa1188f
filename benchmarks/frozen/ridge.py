"""A ridge regression on features of many blocks; strength and calibration are found inside the training patients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from nodulus.pipeline.training.middle import N_PARTS, STRENGTHS


def kernel(blocks: Iterable[NDArray[np.float32]], training: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the linear kernel between all rows (nodule by nodule, box by box), in which every block weighs the same.

    Args:
        blocks: each (n, boxes, channels); standardised by the training nodules.
        training: indices of nodules.
    """
    total, n_blocks = 0.0, 0
    for block in blocks:
        known = block[training].reshape(-1, block.shape[-1])
        mean, scale = _standard(known)
        rows = (block.reshape(-1, block.shape[-1]) - mean) / scale
        total, n_blocks = total + (rows @ rows.T).astype(np.float64) / rows.shape[1], n_blocks + 1
    return np.asarray(total / n_blocks)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A regression on training nodules.

    Args:
        scores: (n, boxes) of all nodules.
        crossed: (n_training, boxes) what regressions on the other patients' training nodules say.
        strength: that was chosen.
    """

    scores: NDArray[np.float64]
    crossed: NDArray[np.float64]
    strength: float

    def probabilities(self, labels: Sequence[int | None]) -> NDArray[np.float64]:
        """Return the probability of malignancy (n, boxes), calibrated on the crossed scores.

        Args:
            labels: of the training nodules; None, undecided, calibrates nothing.
        """
        rows = [k for k, label in enumerate(labels) if label is not None]
        crossed = self.crossed[rows]
        wanted = np.repeat([labels[k] for k in rows], crossed.shape[1])
        fitted = LogisticRegression(C=np.inf).fit(crossed.reshape(-1, 1), wanted)
        return np.asarray(expit(self.scores * fitted.coef_[0, 0] + fitted.intercept_[0]))

    def logits(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logit of malignancy (n, boxes) whose chance comes nearest to the readers', by cross-entropy.

        It is fitted on the crossed scores, and as sure as the readers were: less than ``probabilities`` are.

        Args:
            chances: (n_training,) of malignancy, as in ``fit``.
        """
        n_rows, n_boxes = self.crossed.shape
        # Each score stands twice, as malignant and as benign, with the chance of each for a weight.
        weights = np.repeat(np.concatenate([chances, 1 - chances]), n_boxes)
        wanted = np.repeat([1, 0], n_rows * n_boxes)
        fitted = LogisticRegression(C=np.inf).fit(np.tile(self.crossed.reshape(-1, 1), (2, 1)), wanted, weights)
        return np.asarray(self.scores * fitted.coef_[0, 0] + fitted.intercept_[0])


def fit(
    between: NDArray[np.float64],
    chances: NDArray[np.float64],
    training: NDArray[np.int64],
    patients: Sequence[str],
    n_boxes: int = 2,
) -> Fitted:
    """Return a ridge regression on training nodules, of the strength that errs least over parts by patient.

    Args:
        between: ``kernel`` of all rows.
        chances: (n_training,) of malignancy.
        training: indices of nodules.
        patients: (n_training,).
        n_boxes: with which each nodule stands in the kernel.
    """
    rows = (training[:, None] * n_boxes + np.arange(n_boxes)).ravel()
    wanted = np.repeat(chances, n_boxes)
    groups = np.repeat(np.asarray(patients), n_boxes)
    crossed = np.empty((len(STRENGTHS), len(rows)))
    for others, own in GroupKFold(N_PARTS).split(rows, groups=groups):
        crossed[:, own] = _solve(between, rows[others], wanted[others], rows[own], STRENGTHS)
    best = int(((crossed - wanted) ** 2).mean(axis=1).argmin())
    scores = _solve(between, rows, wanted, np.arange(len(between)), STRENGTHS[best : best + 1])[0]
    return Fitted(scores.reshape(-1, n_boxes), crossed[best].reshape(-1, n_boxes), STRENGTHS[best])


def _standard(known: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # A channel that hardly ever speaks in training must not shout afterwards.
    return known.mean(axis=0), known.std(axis=0) + np.float32(1e-4)


def _solve(
    between: NDArray[np.float64],
    known: NDArray[np.int64],
    wanted: NDArray[np.float64],
    asked: NDArray[np.int64],
    strengths: Sequence[float],
) -> NDArray[np.float64]:
    """Return the scores of the asked rows (strengths, n): one decomposition serves all strengths."""
    values, vectors = np.linalg.eigh(between[np.ix_(known, known)])
    mean = wanted.mean()
    turned = vectors.T @ (wanted - mean)
    onto = between[np.ix_(asked, known)] @ vectors
    return np.stack([onto @ (turned / (values + strength)) + mean for strength in strengths])
