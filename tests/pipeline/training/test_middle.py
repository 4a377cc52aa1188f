"""The readout of the middle is a ridge regression as sure as the readers, solved once and on stages that stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.networks.nets import ResNet

from benchmarks.frozen.ridge import fit, kernel
from nodulus.pipeline.readout.two_readouts import TwoReadouts
from nodulus.pipeline.training.middle import SolveMiddle, set_middle, solve
from nodulus.transforms.problems import UsageError
from tests.support.two_readouts import DEFINITION

N, N_BLOCKS, WIDTH = 60, 4, 8


def random_nodules() -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.float64]], list[str]]:
    """Return (n, 2 boxes, channels) of nodules whose chances one channel nearly tells, and their patients."""
    random = np.random.default_rng(0)
    chances = random.integers(0, 5, N) / 4
    said = random.normal(size=(N, 2, N_BLOCKS * WIDTH)) * np.geomspace(0.1, 10, N_BLOCKS * WIDTH)
    said[:, :, 3] += chances[:, None]
    return said.astype(np.float32), chances, [f"patient {k // 2}" for k in range(N)]


def test_it_is_the_regression_that_was_measured() -> None:
    said, chances, patients = random_nodules()
    training = np.arange(40)
    blocks = np.split(said, N_BLOCKS, axis=2)
    measured = fit(kernel(blocks, training), chances[:40], training, patients[:40]).logits(chances[:40])
    rows, twice = said[:40].reshape(80, -1), np.repeat(np.arange(40), 2)
    weights, intercept = solve(rows, chances[twice], [patients[k] for k in twice])
    found = said @ weights + intercept
    # The parts' means are taken out of their features here, and there out of all.
    np.testing.assert_allclose(found, measured, atol=0.05 * float(measured.std()))
    assert np.corrcoef(found[40:, 0], chances[40:])[0, 1] > 0.5


def test_nodules_that_part_without_a_fault_have_a_finite_logit() -> None:
    chances = np.repeat([0.0, 1.0], 10)
    weights, intercept = solve(chances[:, None].astype(np.float32), chances, [str(k) for k in range(20)])
    low, high = intercept, float(weights[0]) + intercept
    assert low < -2
    assert high > 2
    assert abs(low) < 20
    assert high < 20


def test_a_channel_that_never_speaks_says_nothing_later() -> None:
    said, chances, patients = random_nodules()
    said[:, :, 0] = 2.0
    weights, _ = solve(said[:, 0], chances, patients)
    assert abs(weights[0]) < 1e-6


def test_nodules_of_one_patient_are_refused() -> None:
    with pytest.raises(UsageError, match="Expected training nodules of at least two patients, got one"):
        solve(np.zeros((4, 2), np.float32), np.array([0.0, 1.0, 0.0, 1.0]), ["one"] * 4)


class Patches(torch.utils.data.Dataset[Mapping[str, Any]]):
    """Random patches of nodules, with the patients' names where MONAI's datasets have them."""

    def __init__(self, chances: Sequence[float]) -> None:
        self.data = [{"patient_id": f"patient {k}"} for k in range(len(chances))]
        self.chances = chances

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        chance = self.chances[index]
        patch = torch.rand(1, 17, 17, 9, generator=torch.Generator().manual_seed(index)) * (0.2 + chance)
        return {"image": patch, "label": np.array([1 - chance, chance], np.float32)}


CHANCES = [k % 5 / 4 for k in range(20)]


def a_network() -> TwoReadouts:
    torch.manual_seed(0)
    network = TwoReadouts(**DEFINITION)
    for stage in (network.conv1, network.bn1, network.layer1, network.layer2):
        stage.requires_grad_(False)
    return network


def start(network: torch.nn.Module, averaged: torch.nn.Module) -> None:
    engine = Engine(lambda _engine, _batch: None)
    SolveMiddle(network, averaged, Patches(CHANCES)).attach(engine)
    engine.run([0], max_epochs=1)


def test_it_is_solved_as_training_starts_for_the_average_too() -> None:
    network = a_network().train()
    averaged = deepcopy(network)
    start(network, averaged)
    assert network.training
    for parameter, other in zip(network.middle.parameters(), averaged.middle.parameters(), strict=True):
        torch.testing.assert_close(parameter, other)
    plain = a_network().eval()
    patches = torch.stack([item["image"] for item in (Patches(CHANCES)[k] for k in range(20))])
    with torch.inference_mode():
        added = network.eval()(patches) - plain(patches)
    assert np.corrcoef((added[:, 1] - added[:, 0]).numpy(), CHANCES)[0, 1] > 0.9


def test_one_that_came_with_the_weights_stays() -> None:
    network = a_network()
    set_middle(network, np.full(network.middle.in_features, 0.5), 1.0)
    averaged = deepcopy(network)
    start(network, averaged)
    assert (network.middle.weight == 0.5).all()
    assert network.middle.bias.item() == 1.0


def test_it_is_refused_where_a_stage_that_it_reads_learns() -> None:
    network = a_network()
    network.layer2.requires_grad_(True)
    with pytest.raises(UsageError, match=r"freeze_until layer3 or a later one, got one that learns"):
        SolveMiddle(network, network, Patches(CHANCES))


def test_a_network_without_one_is_left_alone() -> None:
    network = ResNet(**DEFINITION)
    before = deepcopy(network.state_dict())
    start(network, network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
