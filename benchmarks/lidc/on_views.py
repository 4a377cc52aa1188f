"""Trains a fold's network on patches that were drawn once for all folds: in minutes on a CPU."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from benchmarks.federated.arms import rating_chances
from benchmarks.readouts.kept import Kept, keep
from benchmarks.readouts.late import Setting, late_weights
from benchmarks.readouts.side_by_side import EVERYTHING, KEPT
from benchmarks.readouts.solved import Informed, solved
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks, part_of
from nodulus.pipeline.files import replacing_file
from nodulus.pipeline.readout.two_readouts import TwoReadouts
from nodulus.pipeline.training.middle import set_middle
from nodulus.pipeline.training.train import WEIGHTS


def train_on_views(
    data_list: Path, folder: Path, bundle: Path, n_views: int, seed: int, epochs: int | None = None
) -> Path:
    """Return the weights of the bundle's network, trained on a fold.

    The stages that never train said once, in bfloat16, what they say of each nodule's plain patches and of the drawn
    ones (``keep_views``); the late stages see another of the drawn ones each time, and all epochs are trained: none is
    picked. The readout of the middle is solved on the plain ones.

    Args:
        data_list: of the fold; what was kept lies beside it.
        folder: receives the weights.
        bundle: the bundle whose ``train.json`` is followed.
        n_views: that were drawn of each nodule.
        seed: of the first weights, shuffling and views.
        epochs: None for the config's own number.
    """
    path = folder / WEIGHTS
    if path.is_file():
        return path
    kept = keep_views(data_list.parent, bundle, n_views)
    if epochs is None:
        epochs = int(json.loads((bundle / TRAIN_CONFIG).read_text(encoding="utf-8"))["max_epochs"])
    late = late_weights(data_list, kept, Setting(bundle, epochs), seed, folder)
    network = ExchangedNetworks(str(bundle), seed).network.eval()
    if not isinstance(network, TwoReadouts):
        msg = f"Expected a network of two readouts, got {type(network).__name__}"
        raise TypeError(msg)
    own = network.state_dict()
    trained = {name: own[name] for name in own if f"averaged.{name}" in late}
    network.load_state_dict(own | part_of(late, "averaged", trained))
    listed = load_data_list(data_list, "training", rating_chances=rating_chances(bundle))
    informed = [Informed(item["nodule_id"], str(item["patient_id"]), float(item["label"][1])) for item in listed]
    set_middle(network, *solved(kept.said, informed))
    with replacing_file(path) as temporary:
        torch.save({name: value.contiguous() for name, value in network.state_dict().items()}, temporary)
    return path


def keep_views(out: Path, bundle: Path, n_views: int) -> Kept:
    """Return what the first stages say of all nodules, keeping it unless it is kept."""
    return keep(DataListFile.read(out / EVERYTHING), bundle, n_views, out / KEPT)
