"""A network that is cut in two is the network: what is kept of the first stages, and what trains after them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from benchmarks.federated.arms import ARMS, Study, margins, train_arm
from benchmarks.federated.stages import FIRST, before_stage, from_stage, later_stages
from benchmarks.federated.views import N_VIEWS, Views
from nodulus.pipeline.data.data_list import DataList, DataListItem
from nodulus.pipeline.federated.exchange import ExchangedNetworks

FROM = "layer3"


@pytest.fixture
def views() -> Views:
    generator = torch.Generator().manual_seed(0)
    return {str(n): torch.rand((1 + N_VIEWS, 17, 17, 9), generator=generator).half() for n in range(16)}


def nodules(names: Sequence[str]) -> tuple[DataListItem, ...]:
    place = {"center_lps_mm": (0.0, 0.0, 0.0), "diameter_mm": 8.0, "label": 1, "ratings": [4]}
    return tuple(
        DataListItem.model_validate({**place, "image": f"{name}.nii", "nodule_id": name, "patient_id": name})
        for name in names
    )


def test_the_halves_say_what_the_whole_says(bundle: Path, views: Views, tmp_path: Path) -> None:
    whole = ExchangedNetworks(str(bundle), overrides=from_stage(bundle, FIRST))
    kept = before_stage(views, bundle, FROM, tmp_path / "kept.pt")
    of_later = {name: value for name, value in whole.state_dict().items() if ".layer3." in name or ".layer4." in name}
    head = {name: value for name, value in whole.state_dict().items() if ".fc." in name}
    by_halves = margins({**of_later, **head}, list(views), kept, bundle, FROM)
    by_whole = margins(whole.state_dict(), list(views), views, bundle)
    assert by_halves == pytest.approx(by_whole, abs=0.01)  # bfloat16 has eight bits
    assert max(by_whole) - min(by_whole) > 0.02


def test_a_study_from_the_first_stage_on_keeps_patches(bundle: Path, views: Views, tmp_path: Path) -> None:
    assert before_stage(views, bundle, FIRST, tmp_path / "kept.pt") is views
    assert not (tmp_path / "kept.pt").exists()


def test_an_unknown_stage_is_named() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match="Expected a stage of the network, of 0, got layer9"):
        later_stages(network, "layer9")


def test_an_arm_trains_the_later_stages_of_the_config(bundle: Path, views: Views, tmp_path: Path) -> None:
    kept = before_stage(views, bundle, FROM, tmp_path / "kept.pt")
    arm = next(arm for arm in ARMS if arm.name == "local_philips")
    lists = {"philips": DataList(training=nodules(list(views)))}
    (tmp_path / "arm").mkdir()
    for name in views:
        (tmp_path / "arm" / f"{name}.nii").touch()  # must be there, and is not read
    path = train_arm(arm, lists, Study(bundle, kept, 1, FROM), tmp_path / "arm" / arm.name, 0)
    trained = torch.load(path, weights_only=True)
    parts = {name.split(".")[1] for name in trained}
    assert parts == {"layer3", "layer4", "fc"}
    begun = ExchangedNetworks(str(bundle)).state_dict()
    assert all(not torch.equal(trained[name], begun[name]) for name in trained if name.endswith("weight"))
    layers = json.loads((bundle / "configs" / "train.json").read_text())["network_def"]["layers"]
    assert sum(".conv3.weight" in name for name in trained) == 2 * sum(layers[2:])
