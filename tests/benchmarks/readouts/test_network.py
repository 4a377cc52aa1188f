"""Both readouts are one network, whose logit is the sum of theirs, and which the engines take as they take a ResNet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets import ResNet

from benchmarks.frozen.study import Study
from benchmarks.places import BUNDLE
from benchmarks.readouts.kept import keep
from benchmarks.readouts.network import MALIGNANT, TwoReadouts, set_middle
from benchmarks.readouts.study import MIDDLE, logits
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.federated.exchange import ExchangedNetworks


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    content = json.loads((BUNDLE / TRAIN_CONFIG).read_text(encoding="utf-8"))["network_def"]
    return {name: value for name, value in content.items() if name != "_target_"}


@pytest.fixture(scope="module")
def plain() -> torch.nn.Module:
    network: torch.nn.Module = ExchangedNetworks(str(BUNDLE)).network.eval()
    return network


@pytest.fixture
def both(definition: dict[str, Any], plain: torch.nn.Module) -> TwoReadouts:
    network: TwoReadouts = TwoReadouts(**definition).eval()
    missing, unexpected = network.load_state_dict(plain.state_dict(), strict=False)
    assert (missing, unexpected) == (["middle.weight", "middle.bias"], [])
    return network


def test_unset_it_is_the_resnet(plain: torch.nn.Module, both: TwoReadouts) -> None:
    assert isinstance(both, ResNet)
    patches = torch.rand(2, 1, 65, 65, 33)
    with torch.inference_mode():
        torch.testing.assert_close(both(patches), plain(patches))


def test_its_logit_is_the_sum_of_the_readouts(
    tiny_crops: Path, tmp_path: Path, plain: torch.nn.Module, both: TwoReadouts
) -> None:
    items = tuple(read_crops(tiny_crops, tmp_path))
    write_data_list(DataList(training=items), tmp_path / "everything.json")
    listed = DataListFile.read(tmp_path / "everything.json")
    study = Study({"plain": keep(listed, BUNDLE, 0, tmp_path / "kept").said}, listed, BUNDLE)
    set_middle(both, study, items[:16])
    cut = make_workflow(BUNDLE, "train", listed, tmp_path).parser.get_parsed_content("validate#preprocessing")
    patches = torch.stack([torch.as_tensor(cut(item)["image"]) for item in load_data_list(listed, "training")])
    with torch.inference_mode():
        whole, late = both(patches), plain(patches)
    places = [study.place[item["nodule_id"]] for item in load_data_list(listed, "training")]
    expected = logits(study, items[:16], np.zeros((len(items), 2)))[MIDDLE][places, 0]
    added = whole - late
    # What was kept had been rounded to bfloat16.
    np.testing.assert_allclose((added[:, MALIGNANT] - added[:, 1 - MALIGNANT]).numpy(), expected, atol=0.15)
    np.testing.assert_allclose(added[:, 2:].numpy(), 0.0, atol=1e-5)


def test_torchscript_says_the_same(both: TwoReadouts) -> None:
    patches = torch.rand(1, 1, 65, 65, 33)
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.script(both)(patches), both(patches))
