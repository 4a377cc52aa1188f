"""What a model of opinions says of perfect knowledge of the opinion, of other readers, of single nodules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .opinion import RATINGS, OpinionModel, Values


@dataclass(frozen=True)
class Decided:
    """How the nodules with a label lie, by opinion: the two sum to 1.

    Args:
        malignant: share of all, (n_opinions,).
        benign: likewise.
    """

    malignant: Values
    benign: Values


def label_chances(chances: Values, n_readers: int) -> tuple[Values, Values]:
    """Return for each opinion the chance that the median of so many ratings lies above 3, and below 3."""
    panels = np.asarray(list(product(range(RATINGS), repeat=n_readers)))
    medians = np.median(panels + 1, axis=1)
    likely = np.prod(chances[:, panels], axis=2)
    return likely[:, medians > 3].sum(axis=1), likely[:, medians < 3].sum(axis=1)


def decided(model: OpinionModel, labellers: Mapping[int, int], shares: Mapping[int, float]) -> Decided:
    """Return how nodules with a label lie.

    Args:
        model: of the opinions.
        labellers: how many readers of a panel give the label, by its size.
        shares: of the nodules by size of the panel, decided or not.
    """
    parts = []
    for size, share in shares.items():
        malignant, benign = label_chances(model.chances, labellers[size])
        parts.append(share * model.spread[size] * np.asarray([malignant, benign]))
    malignant, benign = np.sum(parts, axis=0) / np.sum(parts)
    return Decided(malignant, benign)


def decided_as(model: OpinionModel, decided_shares: Mapping[int, float]) -> Decided:
    """Return how the labelled nodules of whole panels lie where their shares by size are known after the decision."""
    each = {size: decided(model, {size: size}, {size: 1.0}) for size in decided_shares}
    malignant = np.sum([share * each[size].malignant for size, share in decided_shares.items()], axis=0)
    benign = np.sum([share * each[size].benign for size, share in decided_shares.items()], axis=0)
    return Decided(malignant, benign)


def undecided_share(model: OpinionModel, size: int) -> float:
    """Return the share of panels of a size whose median is 3."""
    return 1.0 - float(np.sum(model.spread[size] * np.sum(label_chances(model.chances, size), axis=0)))


def perfect_auc(nodules: Decided) -> float:
    """Return the AUC of the opinion itself."""
    return _auc(nodules.malignant, nodules.benign)


def perfect_errors(nodules: Decided) -> float:
    """Return the share of labels on whose other side the opinion stands, however well it is cut."""
    return float(np.minimum(nodules.malignant, nodules.benign).sum())


def panel_auc(model: OpinionModel, nodules: Decided, n_judges: int) -> float:
    """Return the AUC of the mean rating of readers who did not give the label."""
    sums = model.chances
    for _ in range(n_judges - 1):
        sums = np.asarray([np.convolve(one, rating) for one, rating in zip(sums, model.chances, strict=True)])
    return _auc(nodules.malignant @ sums, nodules.benign @ sums)


def simulated_auc(nodules: Decided, n_nodules: int, generator: np.random.Generator) -> float:
    """Return the AUC of the opinion on so many nodules drawn at random; NaN where they are of one class."""
    both = np.concatenate([nodules.malignant, nodules.benign])
    malignant, benign = np.split(generator.multinomial(n_nodules, both / both.sum()).astype(np.float64), 2)
    return _auc(malignant, benign) if malignant.any() and benign.any() else float("nan")


def turned(model: OpinionModel, counts: NDArray[np.intp], size: int, label: int) -> float:
    """Return the chance that another panel of a size, where it decides, gives a nodule the other label.

    Args:
        model: of the opinions.
        counts: how many readers of its panel gave each rating.
        size: of the panel.
        label: that they gave it.
    """
    opinion = model.spread[size] * np.exp(counts @ np.log(np.maximum(model.chances, 1e-300)).T)
    malignant, benign = (float(opinion @ chance) for chance in label_chances(model.chances, size))
    return (benign if label else malignant) / (malignant + benign)


def _auc(malignant: Values, benign: Values) -> float:
    """Return the AUC of ordered steps that hold so much of each class."""
    return float(malignant @ (np.cumsum(benign) - benign / 2) / (malignant.sum() * benign.sum()))
