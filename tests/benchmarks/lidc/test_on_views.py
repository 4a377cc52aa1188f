"""A fold's network that was trained on kept views is the bundle's: its halves were trained, its readouts are summed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.lidc.fold_run import FoldRun, TrainingOptions, prepare_run, read_settings
from benchmarks.lidc.folds import FoldKey
from benchmarks.lidc.on_views import keep_views, train_on_views
from benchmarks.places import BUNDLE
from benchmarks.readouts.side_by_side import write_everything
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks
from nodulus.pipeline.training.middle import middles
from nodulus.transforms.problems import UsageError


@pytest.mark.slow
def test_its_stages_are_those_that_were_kept_and_its_readout_knows_large_from_small(
    tiny_crops: Path, tmp_path: Path
) -> None:
    write_everything(tiny_crops, tmp_path)
    items = tuple(read_crops(tiny_crops, tmp_path))
    write_data_list(DataList(training=items[:16], validation=items[16:]), tmp_path / "fold.json")
    (tmp_path / "run").mkdir()
    path = train_on_views(tmp_path / "fold.json", tmp_path / "run", BUNDLE, 1, 0, epochs=1)
    begun, networks = (ExchangedNetworks(str(BUNDLE)) for _ in range(2))
    network = networks.network.eval()
    network.load_state_dict(torch.load(path, weights_only=True))
    own, other = network.state_dict(), begun.network.state_dict()
    stays = {name for name in own if torch.equal(own[name], other[name])}
    assert {name.partition(".")[0] for name in stays if name.endswith("weight")} == {"conv1", "bn1", "layer1", "layer2"}
    assert {name.partition(".")[0] for name in own.keys() - stays} == {"layer3", "layer4", "fc", "middle"}

    # What the layer reads of patches, in float32, is what was kept of them, in bfloat16.
    listed = DataListFile.read(tmp_path / "everything.json")
    cut = make_workflow(BUNDLE, "train", listed, tmp_path / "run").parser.get_parsed_content("validate#preprocessing")
    patches = [cut(dict(item)) | {"label": (0, 1)} for item in load_data_list(listed, "training", boxes="both")]
    read, _ = middles(network, patches)
    kept = keep_views(tmp_path, BUNDLE, 1).said.values.reshape(len(patches), -1)
    assert np.corrcoef(read.ravel(), kept.ravel())[0, 1] > 0.999
    said = read @ own["middle.weight"][0].numpy() + float(own["middle.bias"])
    labels = np.repeat([int(item.label or 0) for item in items], 2)
    assert said[32:][labels[32:] == 1].min() > said[32:][labels[32:] == 0].max()


def test_networks_of_other_views_are_not_put_into_one_folder(tiny_crops: Path, tmp_path: Path) -> None:
    write_data_list(DataList(test=tuple(read_crops(tiny_crops, tmp_path))), tmp_path / "rep0_fold0.json")
    run = FoldRun(FoldKey(0, 0), 0)
    prepare_run(run, tiny_crops, tmp_path, TrainingOptions(BUNDLE, views=10))
    assert read_settings(run, tmp_path).views == 10
    with pytest.raises(UsageError, match="got another views: choose another folder"):
        prepare_run(run, tiny_crops, tmp_path, TrainingOptions(BUNDLE))
