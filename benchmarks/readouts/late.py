"""Trains the late stages on what the first ones said, as the bundle's ``train.json`` trains them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.federated.arms import margins, rating_chances
from benchmarks.federated.stages import from_stage
from benchmarks.federated.views import ViewDataset
from nodulus.pipeline.federated.exchange import ExchangedNetworks, Weights
from nodulus.pipeline.federated.site import Plan, Site

from .kept import FIRST, Kept


@dataclass(frozen=True)
class Setting:
    """How late stages are trained.

    Args:
        bundle: whose ``train.json`` is followed, but for what it trains, and for how long.
        epochs: all are trained; none is chosen.
    """

    bundle: Path
    epochs: int


def late_weights(data_list: Path, kept: Kept, setting: Setting, seed: int, folder: Path) -> Weights:
    """Return late stages trained on some nodules, as they train and as their moving average.

    Args:
        data_list: its training nodules are trained on.
        kept: what the first stages said.
        setting: of the training.
        seed: of the first weights, shuffling and views.
        folder: where the training writes.
    """
    bundle = setting.bundle
    dataset = ViewDataset(data_list, kept.views, rating_chances(bundle), flips=False)
    # Nothing is validated: what would be looked at is not asked for.
    values = {"train::dataset": dataset, "validate::dataset": dataset, "seed": seed}
    later = from_stage(bundle, FIRST)
    site = Site("fold", bundle, data_list, folder, Plan(1, setting.epochs), **values, **later)
    return site.train(ExchangedNetworks(str(bundle), seed, later).state_dict())


def late_margins(weights: Weights, kept: Kept, bundle: Path) -> NDArray[np.float64]:
    """Return the logit of malignant against benign (n, boxes) of all nodules, by the moving average of late stages."""
    boxes = (kept.views, kept.by_diameter)
    return np.column_stack([margins(weights, kept.said.names, views, bundle, FIRST) for views in boxes])
