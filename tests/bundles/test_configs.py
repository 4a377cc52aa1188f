"""Do the bundle's configs describe one network, one preprocessing, and all that MONAI asks for?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from tests.support.tiny_training import TINY

SHARED = ("patch_size", "patch_spacing_mm", "margin_mm", "hu_window", "network_def")


def test_train_config_misses_no_property(data_list: Path, bundle: Path, tmp_path: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "train.json"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type="train",
        bundle_root=str(bundle),
        data_list=str(data_list),
        output_dir=str(tmp_path),
        **TINY,
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_the_configs_describe_one_network_and_one_preprocessing(bundle: Path) -> None:
    contents = {
        name: json.loads((bundle / "configs" / f"{name}.json").read_text())
        for name in ("train", "evaluate", "inference")
    }
    for key in SHARED:
        assert contents["train"][key] == contents["evaluate"][key] == contents["inference"][key], key


@pytest.mark.parametrize("name", ["train", "evaluate", "inference"])
def test_every_config_ends_refusals_in_one_line_before_it_does_anything_else(name: str, bundle: Path) -> None:
    content = json.loads((bundle / "configs" / f"{name}.json").read_text())
    assert content["run"][0] == {"_target_": "nodulus.pipeline.end_in_one_line"}


@pytest.mark.parametrize(
    ("device", "amp"),
    [("cpu", False), ("cuda:0", True), ("$torch.device('cpu')", False), ("$torch.device('cuda')", True)],
)
def test_training_takes_a_device_by_its_name_or_as_an_expression(device: str, amp: bool, bundle: Path) -> None:
    parser = ConfigParser(json.loads((bundle / "configs" / "train.json").read_text()))
    parser["device"] = device
    assert parser.get_parsed_content("amp") is amp


def test_the_network_is_scripted(bundle: Path) -> None:
    parser = ConfigParser(json.loads((bundle / "configs" / "train.json").read_text()))
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(bundle / "models" / "model.pt", weights_only=True))
    patch = torch.rand((2, 1, *parser["patch_size"]), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.script(network)(patch), network(patch))
