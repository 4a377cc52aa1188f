"""Is what sites send averaged rightly, and what they receive checked?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nodulus.pipeline.federated.exchange import ExchangedNetworks, average_weights, join_weights, part_of
from nodulus.pipeline.federated.simulation import check_moved, simulate
from nodulus.pipeline.federated.site import Plan
from nodulus.transforms.problems import UsageError


def test_a_site_counts_as_much_as_it_has_nodules() -> None:
    updates = [({"w": torch.full((2,), value), "n": torch.tensor(count)}, nodules) for value, count, nodules in
               ((1.0, 3, 10), (4.0, 9, 20))]  # fmt: skip
    mean = average_weights(updates)
    assert mean["w"].tolist() == [3.0, 3.0]
    assert mean["w"].dtype == torch.float32
    assert mean["n"].dtype == torch.int64


def test_both_networks_are_exchanged_and_begin_alike(bundle: Path) -> None:
    first, again, other = (ExchangedNetworks(str(bundle), seed).state_dict() for seed in (0, 0, 1))
    names = [name.removeprefix("network.") for name in first if name.startswith("network.")]
    started = torch.load(bundle / "models" / "start.pt", weights_only=True)
    assert started.keys() < set(names)
    assert all(
        torch.equal(first[f"network.{name}"], value.to(first[f"network.{name}"])) for name, value in started.items()
    )
    assert all(torch.equal(first[f"network.{name}"], first[f"averaged.{name}"]) for name in names)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["network.layer3.0.conv1.weight"], other["network.layer3.0.conv1.weight"])


def test_the_generator_of_others_is_left_alone(bundle: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    ExchangedNetworks(str(bundle), seed=0)
    assert torch.equal(torch.rand(2), wanted)


def test_counts_come_back_as_counts_whatever_an_average_made_of_them() -> None:
    like = {"w": torch.zeros(2), "n": torch.tensor(5)}
    received = {"averaged.w": torch.ones(2), "averaged.n": torch.tensor(6.6, dtype=torch.float64)}
    found = part_of(received, "averaged", like)
    assert found["n"].dtype == torch.int64
    assert int(found["n"]) == 7
    assert join_weights(found, found).keys() == {"network.w", "network.n", "averaged.w", "averaged.n"}


@pytest.mark.parametrize(
    ("received", "got"), [({}, "got none"), ({"network.w": torch.ones(3)}, r"got one of shape \(3,\)")]
)
def test_weights_of_another_network_are_refused(received: dict[str, torch.Tensor], got: str) -> None:
    with pytest.raises(UsageError, match=rf"^Expected network.w of shape \(2,\) in the weights received, {got}"):
        part_of(received, "network", {"w": torch.zeros(2)})


def test_a_federation_that_moved_nothing_is_a_fault() -> None:
    first = {"network.a.weight": torch.zeros(2), "network.b.weight": torch.zeros(2)}
    check_moved(first, {name: value + 1 for name, value in first.items()})
    for last in (first, first | {"network.a.weight": torch.ones(2)}, {"network.a.weight": torch.ones(2)}):
        with pytest.raises(RuntimeError, match="Expected the sites' training to move all weights"):
            check_moved(first, last)


def test_stages_that_the_config_freezes_need_not_move_but_must_be_there(bundle: Path) -> None:
    networks = ExchangedNetworks(str(bundle))
    stay = networks.stages_that_stay()
    assert [name for name in stay if name not in ("act", "maxpool")] == ["conv1", "bn1", "layer1", "layer2"]
    assert ExchangedNetworks(str(bundle), 0, {"freeze_until": None}).stages_that_stay() == ()
    first = dict(networks.state_dict())
    moved = {name: value if name.split(".")[1] in stay else value + 1 for name, value in first.items()}
    check_moved(first, moved, stay)
    for name in ("network.layer2.0.conv1.weight", "averaged.fc.weight"):
        with pytest.raises(RuntimeError, match=f"got 1 as they were, {name} for one"):
            check_moved(first, {other: value for other, value in moved.items() if other != name}, stay)
    with pytest.raises(RuntimeError, match=r"got 1 as they were, network\.middle\.weight for one"):
        check_moved(first, moved | {"network.middle.weight": first["network.middle.weight"]}, stay)


def test_one_site_is_no_federation(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^Expected at least two sites, got here$"):
        simulate({"here": tmp_path / "list.json"}, tmp_path, bundle, Plan(1))
