"""What is kept of the first stages is what the bundle's network says there, of the patches that the bundle cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.federated.arms import rating_chances
from benchmarks.federated.views import ViewDataset
from benchmarks.places import BUNDLE
from benchmarks.readouts.kept import FIRST, PLAIN, FirstStages, keep, keep_view
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks
from nodulus.transforms.problems import UsageError


@pytest.fixture(scope="module")
def listed(tiny_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> DataListFile:
    folder = tmp_path_factory.mktemp("list")
    write_data_list(DataList(training=tuple(read_crops(tiny_crops, folder))[:3]), folder / "everything.json")
    return DataListFile.read(folder / "everything.json")


def test_stages_and_middles_are_those_of_the_network_on_both_boxes(listed: DataListFile, tmp_path: Path) -> None:
    kept = keep(listed, BUNDLE, 0, tmp_path / "kept")
    cut = make_workflow(BUNDLE, "train", listed, tmp_path).parser.get_parsed_content("validate#preprocessing")
    items = load_data_list(listed, "training", boxes="both", undecided=-1)
    patches = torch.stack([torch.as_tensor(cut(item)["image"]) for item in items])
    network = ExchangedNetworks(str(BUNDLE)).network.eval()
    said: list[torch.Tensor] = []
    for block in network.get_submodule("layer2").children():
        block.register_forward_hook(lambda _module, _given, out: said.append(out))
    with torch.inference_mode():
        network(patches)
    boxes = (kept.views, kept.by_diameter)
    stage = np.stack([views[name][0].float().numpy() for name in kept.said.names for views in boxes])
    # The network here is in float32, what was kept in bfloat16.
    assert np.abs(stage - said[-1].numpy()).max() < 0.05 * said[-1].abs().max()
    assert not np.array_equal(stage[0], stage[1])
    middle = said[1][:, :, 4, 4, 4].numpy()
    width = middle.shape[1]
    found = kept.said.values.reshape(len(items), 2, -1)[:, 0, width : 2 * width].astype(np.float32)
    assert np.corrcoef(found.ravel(), middle.ravel())[0, 1] > 0.999
    assert kept.said.widths == (512,) * 4


def test_a_view_depends_on_its_number_alone_and_is_drawn_once(listed: DataListFile, tmp_path: Path) -> None:
    keep_view(listed, BUNDLE, 2, tmp_path)
    first = np.load(tmp_path / "view2.npy")
    kept = keep(listed, BUNDLE, 2, tmp_path)
    for row, name in enumerate(kept.said.names):
        _, one, two = kept.views[name]
        np.testing.assert_array_equal(two, first[row])
        assert not np.array_equal(one, two)
    again = keep(listed, BUNDLE, 2, tmp_path / "other")
    np.testing.assert_array_equal(again.views[kept.said.names[0]][2], first[0])


def test_what_was_kept_of_other_nodules_is_refused(listed: DataListFile, tmp_path: Path) -> None:
    keep_view(listed, BUNDLE, PLAIN, tmp_path / "kept")
    fewer = listed.path.parent / "fewer.json"
    write_data_list(DataList(training=listed.data.training[:2]), fewer)
    with pytest.raises(UsageError, match="Expected stages of these nodules"):
        keep(DataListFile.read(fewer), BUNDLE, 0, tmp_path / "kept")


def test_a_dataset_draws_among_the_views_and_never_the_plain_one(listed: DataListFile, tmp_path: Path) -> None:
    kept = keep(listed, BUNDLE, 2, tmp_path)
    dataset = ViewDataset(listed.path, kept.views, rating_chances(BUNDLE), flips=False)
    dataset.set_random_state(0)
    drawn = [dataset[1]["image"] for _ in range(20)]
    seen = {tuple(torch.equal(each, view.float()) for view in kept.views["ball_01"]) for each in drawn}
    assert seen == {(False, True, False), (False, False, True)}


def test_the_stage_before_the_first_that_trains_is_read_block_by_block() -> None:
    stages = FirstStages(BUNDLE)
    assert FIRST == "layer3"
    assert len(stages.blocks) == 4
