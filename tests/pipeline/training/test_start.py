"""What a network starts from: a file's first stages, batch norms that keep what they know, and two learning rates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.networks.nets import ResNet

from nodulus.pipeline.training.start import KeptNorm, parameter_groups, start_network
from nodulus.transforms.problems import InputRefusedError, UsageError


def small_network() -> ResNet:
    torch.manual_seed(torch.initial_seed() % 1000 + 1)
    return ResNet("basic", [1, 1, 1, 1], [4, 4, 8, 8], n_input_channels=1, num_classes=3)


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    """The first stages of another network, after it saw something."""
    other = small_network()
    other(torch.randn(4, 1, 17, 17, 17))
    names = ("conv1", "bn1", "layer1")
    path = tmp_path / "start.pt"
    torch.save({name: value for name, value in other.state_dict().items() if name.startswith(names)}, path)
    return path


def test_what_the_file_holds_is_taken_and_the_rest_left(stages: Path) -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    started = start_network(network, stages).state_dict()
    given = torch.load(stages, weights_only=True)
    assert given
    for name, value in started.items():
        assert torch.equal(value, given.get(name, before[name])), name


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_file_nothing_starts(nothing: str | None) -> None:
    network = small_network()
    assert start_network(network, nothing, keep_norms=True) is network
    assert not any(isinstance(module, KeptNorm) for module in network.modules())


def test_norms_of_the_file_keep_their_statistics_in_training(stages: Path) -> None:
    network = start_network(small_network(), stages, keep_norms=True)
    before = {name: value.clone() for name, value in network.state_dict().items() if "running" in name}
    network.train()
    network(torch.randn(4, 1, 17, 17, 17))
    moved = {
        name for name, value in network.state_dict().items() if "running" in name and (value != before[name]).any()
    }
    given = torch.load(stages, weights_only=True)
    assert moved == {name for name in before if name not in given}


def test_kept_norms_change_no_name_and_no_output(stages: Path) -> None:
    network = small_network()
    plain = start_network(network, stages).eval()
    view = torch.randn(2, 1, 17, 17, 17)
    expected, names = plain(view), list(plain.state_dict())
    kept = start_network(network, stages, keep_norms=True).eval()
    assert list(kept.state_dict()) == names
    assert torch.equal(kept(view), expected)


def test_scale_and_shift_of_kept_norms_still_learn(stages: Path) -> None:
    network = start_network(small_network(), stages, keep_norms=True)
    network.train()
    network(torch.randn(4, 1, 17, 17, 17)).sum().backward()
    assert network.get_parameter("bn1.weight").grad is not None


@pytest.mark.parametrize("name", ["conv1.weight", "layer9.weight"])
def test_weights_of_another_network_are_a_usage_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "start.pt"
    torch.save({name: torch.zeros(3, 3)}, path)
    with pytest.raises(UsageError, match=rf"{name} of shape \(3, 3\) in .*start\.pt"):
        start_network(small_network(), path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "start.pt"
    path.write_bytes(b"PK no weights")
    with pytest.raises(InputRefusedError, match=r"start\.pt"):
        start_network(small_network(), path)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_stages_get_their_learning_rate_and_no_parameter_is_lost(prefix: str) -> None:
    network = small_network()
    spread = torch.nn.ModuleDict({"module": network}) if prefix else network
    optimizer = torch.optim.SGD(parameter_groups(spread, ["conv1", "layer1"], 1e-4), lr=1e-2)
    rate_of = {id(each): group["lr"] for group in optimizer.param_groups for each in group["params"]}
    assert len(rate_of) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        assert rate_of[id(parameter)] == (1e-4 if name.split(".")[0] in ("conv1", "layer1") else 1e-2), name
