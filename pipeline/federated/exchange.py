"""What sites send and receive: the network that trains and its moving average, as one set; and the sites' mean."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.transforms.problems import UsageError

Weights = dict[str, torch.Tensor]
# What of a train.json says how the network is made, and which weights it starts from.
STARTED = "started_network"
# And which stage is the first that learns.
FREEZE = "freeze_until"
_OF_THE_NETWORK = ("network_def", "start_weights", STARTED)


class ExchangedNetworks(torch.nn.Module):
    """The bundle's network twice, as it trains and as its moving average; its state is what is exchanged.

    What is validated and shipped is the average, what trains on is the other. Both are linear in the weights of each
    batch, so that the mean of the sites' averages is the average of their mean, where all take as many steps.

    Args:
        bundle: the folder whose ``train.json`` describes the network.
        seed: of the first weights.
        overrides: values of the config to replace, by id.
    """

    def __init__(self, bundle: str, seed: int = 0, overrides: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        config = json.loads((Path(bundle) / TRAIN_CONFIG).read_text(encoding="utf-8"))
        parser = ConfigParser({**config, "bundle_root": str(bundle)})
        parser.update({key: value for key, value in (overrides or {}).items() if key.startswith(_OF_THE_NETWORK)})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # Of bundles before 0.5.0 all weights begin at random.
            self.network = parser.get_parsed_content(STARTED if STARTED in config else "network_def")
        self.averaged = copy.deepcopy(self.network)
        self._first_to_learn = (overrides or {}).get(FREEZE, config.get(FREEZE))

    def stages_that_stay(self) -> tuple[str, ...]:
        """Return the names of the first stages, which the config freezes."""
        names = [name for name, _ in self.network.named_children()]
        return tuple(names[: names.index(self._first_to_learn)]) if self._first_to_learn in names else ()


def join_weights(network: Mapping[str, torch.Tensor], averaged: Mapping[str, torch.Tensor]) -> Weights:
    """Return both networks' weights as one set, copied to the CPU; names as ``ExchangedNetworks`` has them."""
    parts = {"network": network, "averaged": averaged}
    return {
        f"{part}.{name}": value.detach().cpu().clone() for part, state in parts.items() for name, value in state.items()
    }


def part_of(weights: Mapping[str, torch.Tensor], part: str, like: Mapping[str, torch.Tensor]) -> Weights:
    """Return one network's own weights, in the kinds of number that it has: an average of counts is no count.

    Args:
        weights: of both, as a site receives them.
        part: "network" or "averaged".
        like: the state that they are for.

    Raises:
        UsageError: a weight is missing, or has another shape.
    """
    found = {}
    for name, old in like.items():
        value = weights.get(f"{part}.{name}")
        if value is None or value.shape != old.shape:
            got = "none" if value is None else f"one of shape {tuple(value.shape)}"
            raise UsageError(f"Expected {part}.{name} of shape {tuple(old.shape)} in the weights received, got {got}")
        found[name] = value if old.is_floating_point() else value.double().round().to(old.dtype)
    return found


def average_weights(updates: Sequence[tuple[Mapping[str, torch.Tensor], float]]) -> Weights:
    """Return the weighted mean of sites' weights: one round of FedAvg (McMahan 2017), as NVFlare computes it.

    Args:
        updates: the weights of each site, and how much they count: its nodules.
    """
    total = sum(count for _, count in updates)
    return {
        name: sum(state[name].double() * (count / total) for state, count in updates).to(first.dtype)  # type: ignore[union-attr]
        if first.is_floating_point()
        else first.clone()
        for name, first in updates[0][0].items()
    }
