"""MONAI builds its RetinaNet without torchvision, and the weights are called as with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from monai.apps.detection.networks import retinanet_network
from monai.networks.blocks import backbone_fpn_utils
from torch import nn

from nodulus.pipeline.detection.torchvision_names import LayerOutputs, torchvision_or_stand_in, trainable_layers
from tests.support.detection_bundle import ZOO, make_detector


def test_layers_are_called_up_to_the_last_that_is_asked_for() -> None:
    model = nn.Sequential()
    for name, factor in (("first", 2.0), ("second", 3.0), ("third", 5.0), ("beyond", float("nan"))):
        layer = nn.Conv3d(1, 1, 1, bias=False)
        nn.init.constant_(layer.weight, factor)
        model.add_module(name, layer)
    outputs = LayerOutputs(model, {"third": "1", "first": "0"})
    assert list(outputs.state_dict()) == ["first.weight", "second.weight", "third.weight"]
    with torch.no_grad():
        found = outputs(torch.ones(1, 1, 1, 1, 1))
    assert {name: float(value) for name, value in found.items()} == {"0": 2.0, "1": 30.0}


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"Expected layers of the network \(0\), got 1"):
        LayerOutputs(nn.Sequential(nn.ReLU()), {"1": "1"})


@pytest.mark.parametrize(
    ("is_trained", "asked", "learn"), [(False, None, 5), (False, 2, 5), (True, None, 3), (True, 0, 0), (True, 4, 4)]
)
def test_all_layers_learn_unless_some_were_trained_before(is_trained: bool, asked: int | None, learn: int) -> None:
    assert trainable_layers(is_trained, asked, max_value=5, default_value=3) == learn


def test_the_zoos_numbers_make_the_zoos_network() -> None:
    """190 tensors of 20.9 million numbers, as counted in a RetinaNet made with torchvision's own names."""
    network = make_detector(ZOO).network
    assert len(network.state_dict()) == 190
    assert sum(parameter.numel() for parameter in network.parameters()) == 20_902_741
    assert "feature_extractor.body.layer2.3.conv3.weight" in network.state_dict()
    assert not any("layer3" in name for name in network.state_dict())


def test_a_torchvision_of_another_build_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "torchvision"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    before = (backbone_fpn_utils.torchvision_models, retinanet_network._validate_trainable_layers)
    with torchvision_or_stand_in():
        assert backbone_fpn_utils.torchvision_models._utils.IntermediateLayerGetter is LayerOutputs
    assert (backbone_fpn_utils.torchvision_models, retinanet_network._validate_trainable_layers) == before


def test_torchvision_is_used_where_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "torchvision" / "models" / "detection"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent, folder.parent.parent):
        (package / "__init__.py").touch()
    (folder / "backbone_utils.py").touch()
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    before = backbone_fpn_utils.torchvision_models
    with torchvision_or_stand_in():
        assert backbone_fpn_utils.torchvision_models is before
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # by monkeypatch it would come back, and stay for the tests that follow
