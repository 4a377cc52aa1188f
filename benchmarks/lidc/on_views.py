"""Trains a fold's network on patches that were drawn once for all folds: in minutes on a CPU."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.federated.arms import rating_chances
from benchmarks.readouts.kept import Kept, keep
from benchmarks.readouts.late import Setting, late_weights
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks, part_of
from nodulus.pipeline.files import replacing_file
from nodulus.pipeline.readout.two_readouts import TwoReadouts
from nodulus.pipeline.training.middle import set_middle, solve
from nodulus.pipeline.training.train import WEIGHTS

EVERYTHING, KEPT = "everything.json", "kept"


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
    set_middle(network, *_solved(data_list, kept, bundle))
    with replacing_file(path) as temporary:
        torch.save({name: value.contiguous() for name, value in network.state_dict().items()}, temporary)
    return path


def write_everything(crops: Path, out: Path) -> None:
    """Write the list of all nodules, of which views are kept."""
    if not (out / EVERYTHING).is_file():
        out.mkdir(parents=True, exist_ok=True)
        write_data_list(DataList(training=tuple(read_crops(crops, out))), out / EVERYTHING)


def keep_views(out: Path, bundle: Path, n_views: int) -> Kept:
    """Return what the first stages say of all nodules, keeping it unless it is kept."""
    return keep(DataListFile.read(out / EVERYTHING), bundle, n_views, out / KEPT)


def _solved(data_list: Path, kept: Kept, bundle: Path) -> tuple[NDArray[np.float64], float]:
    listed = load_data_list(data_list, "training", rating_chances=rating_chances(bundle))
    place = {name: row for row, name in enumerate(kept.said.names)}
    said = kept.said.values[[place[item["nodule_id"]] for item in listed]].astype(np.float32)
    n_boxes = said.shape[1]
    chances = np.repeat([float(item["label"][1]) for item in listed], n_boxes)
    patients = [str(item["patient_id"]) for item in listed for _ in range(n_boxes)]
    # Cell by cell, and within each block by block, as the network's layer reads them.
    return solve(said.reshape(len(patients), -1), chances, patients)
