"""Trains the late stages on what the first ones said, as the bundle's ``train.json`` trains them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.federated.arms import rating_chances
from benchmarks.federated.stages import from_stage
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks, Weights
from nodulus.pipeline.federated.site import Plan, Site
from nodulus.pipeline.files import replacing_file

from .kept import FIRST, Kept, KeptDataset

_AT_ONCE = 32


@dataclass(frozen=True)
class Setting:
    """How late stages are trained.

    Args:
        bundle: whose ``train.json`` is followed, but for what it trains, and for how long.
        epochs: all are trained; none is chosen.
    """

    bundle: Path
    epochs: int


def late_margins(data_list: Path, kept: Kept, setting: Setting, seed: int, folder: Path) -> NDArray[np.float64]:
    """Return the logit of malignant against benign (n, boxes) of all nodules, by late stages trained on some.

    Args:
        data_list: its training nodules are trained on.
        kept: what the first stages said.
        setting: of the training.
        seed: of the first weights, shuffling and views.
        folder: receives the margins; where they are, nothing is trained.
    """
    path = folder / "margins.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        found = _margins(_trained(data_list, kept, setting, seed, folder), kept, setting.bundle)
        with replacing_file(path) as temporary, temporary.open("wb") as opened:
            np.save(opened, found)
    return np.asarray(np.load(path), dtype=np.float64)


def _trained(data_list: Path, kept: Kept, setting: Setting, seed: int, folder: Path) -> Weights:
    items = load_data_list(DataListFile.read(data_list), "training", rating_chances=rating_chances(setting.bundle))
    dataset = KeptDataset(items, kept)
    # Nothing is validated: what would be looked at is not asked for.
    values = {"train::dataset": dataset, "validate::dataset": dataset, "seed": seed}
    later = from_stage(setting.bundle, FIRST)
    site = Site("fold", setting.bundle, data_list, folder, Plan(1, setting.epochs), **values, **later)
    return site.train(ExchangedNetworks(str(setting.bundle), seed, later).state_dict())


@torch.inference_mode()
def _margins(weights: Mapping[str, torch.Tensor], kept: Kept, bundle: Path) -> NDArray[np.float64]:
    networks = ExchangedNetworks(str(bundle), overrides=from_stage(bundle, FIRST))
    networks.load_state_dict(weights)
    network = networks.averaged.eval()
    rows = kept.plain.reshape(-1, *kept.plain.shape[2:])
    found = []
    for start in range(0, len(rows), _AT_ONCE):
        logits = network(torch.from_numpy(np.array(rows[start : start + _AT_ONCE])).float())
        found.append((logits[:, 1] - logits[:, 0]).numpy())
    return np.concatenate(found).astype(np.float64).reshape(kept.plain.shape[:2])
