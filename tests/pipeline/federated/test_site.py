"""Does MONAI's client train and validate the bundle at a site, with the moving average taken along?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nodulus.pipeline.federated.exchange import ExchangedNetworks, Weights, average_weights
from nodulus.pipeline.federated.site import Plan, Site, federate
from nodulus.pipeline.training.train import train
from tests.support.tiny_training import TINY


def first_weights(bundle: Path) -> Weights:
    return dict(ExchangedNetworks(str(bundle), 0, TINY).state_dict())


def moved(first: Weights, last: Weights, part: str) -> float:
    """Return how far a network's parameters went by gradients."""
    names = [name for name in first if name.startswith(part) and name.endswith("weight") and ".middle." not in name]
    return float(torch.cat([(last[name] - first[name]).flatten() for name in names]).norm())


def test_a_federation_of_one_site_is_training(lists: dict[str, Path], bundle: Path, tmp_path: Path) -> None:
    """Round by round, through MONAI's client, with averages of one: the same bits as two epochs at a stretch."""
    train(lists["large"], tmp_path / "alone", bundle, max_epochs=2, **TINY)
    alone = torch.load(tmp_path / "alone" / "resume.pt", weights_only=True)
    site = Site("one", bundle, lists["large"], tmp_path / "site", Plan(rounds=2), **TINY)
    last = federate([site], first_weights(bundle), rounds=2)
    for part, name in (("network", "network"), ("averaged", "averaged_network")):
        for key, value in alone[name].items():
            assert torch.equal(last[f"{part}.{key}"], value), f"{part}.{key}"


def test_two_sites_average_by_their_nodules(lists: dict[str, Path], bundle: Path, tmp_path: Path) -> None:
    first = first_weights(bundle)
    sites = [Site(name, bundle, path, tmp_path / name, Plan(1), **TINY) for name, path in lists.items()]
    assert [site.n_nodules for site in sites] == [21, 14]
    together = federate(sites, first, rounds=1)
    alone = [
        Site(name, bundle, path, tmp_path / f"{name}2", Plan(1), **TINY).train(first) for name, path in lists.items()
    ]
    for part in ("network", "averaged"):
        name = f"{part}.fc.weight"
        torch.testing.assert_close(together[name], (21 * alone[0][name] + 14 * alone[1][name]) / 35)
        assert moved(first, together, part) > 0
        assert not torch.equal(alone[0][name], alone[1][name])


def test_the_readout_of_the_middle_is_the_mean_of_the_sites_and_stays(
    lists: dict[str, Path], bundle: Path, tmp_path: Path
) -> None:
    first = first_weights(bundle)
    sites = [Site(name, bundle, path, tmp_path / name, Plan(2), **TINY) for name, path in lists.items()]
    own = [site.train(first) for site in sites]
    together = average_weights([(own[0], 21), (own[1], 14)])
    for part in ("network", "averaged"):
        for name in (f"{part}.middle.weight", f"{part}.middle.bias"):
            assert not first[name].any()
            assert not torch.equal(own[0][name], own[1][name])
            torch.testing.assert_close(together[name], (21 * own[0][name] + 14 * own[1][name]) / 35)
    for site in sites:
        again = site.train(together)
        assert torch.equal(again["network.middle.weight"], together["network.middle.weight"])
        torch.testing.assert_close(again["averaged.middle.weight"], together["averaged.middle.weight"])


def test_schedule_and_epochs_go_on_from_round_to_round(lists: dict[str, Path], bundle: Path, tmp_path: Path) -> None:
    plan = Plan(rounds=3, local_epochs=2)
    site = Site("one", bundle, lists["small"], tmp_path, plan, **TINY)
    weights, rates = first_weights(bundle), []
    for _ in range(plan.rounds):
        weights = site.train(weights)
        rates.append(site.trainer.optimizer.param_groups[0]["lr"])
    assert (site.trainer.state.epoch, site.trainer.state.iteration) == (6, 18)
    assert len(set(rates)) == 3
    assert rates[-1] == pytest.approx(0, abs=1e-9)  # the cosine's end: it goes over all rounds
    assert not (tmp_path / "model.pt").exists()  # no validation chose one


def test_a_site_validates_the_average(lists: dict[str, Path], bundle: Path, tmp_path: Path) -> None:
    site = Site("one", bundle, lists["large"], tmp_path, Plan(1), **TINY)
    weights = site.train(first_weights(bundle))
    auc = float(site.evaluate(weights)["val_auc"])
    others = {name: torch.zeros_like(value) for name, value in weights.items()}
    of_average = {name: value if name.startswith("averaged") else others[name] for name, value in weights.items()}
    of_network = {name: value if name.startswith("network") else others[name] for name, value in weights.items()}
    assert float(site.evaluate(of_average)["val_auc"]) == auc
    assert float(site.evaluate(of_network)["val_auc"]) == 0.5  # all the same score


def test_fedprox_holds_a_site_near_what_it_received(lists: dict[str, Path], bundle: Path, tmp_path: Path) -> None:
    first = first_weights(bundle)
    went = [
        moved(first, Site("one", bundle, lists["small"], tmp_path / str(mu), Plan(1, 2, mu), **TINY).train(first), "n")
        for mu in (0.0, 1.0, 1000.0)
    ]
    assert went[0] > went[1] > went[2] > 0
