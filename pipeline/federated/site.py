"""One site of a federation: MONAI's FL client around the bundle's training, with the moving average handled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems
from monai.fl.utils.exchange_object import ExchangeObject

from nodulus.pipeline.bundle.workflow import make_workflow
from nodulus.pipeline.data.data_list import DataListFile

from .exchange import Weights, average_weights, join_weights, part_of


@dataclass(frozen=True)
class Plan:
    """How a federation trains.

    Args:
        rounds: how often the sites' weights are averaged.
        local_epochs: epochs a site trains between two averages.
        proximal: FedProx's mu (Li 2020), which holds a site near the weights that it received; 0 is FedAvg.
    """

    rounds: int
    local_epochs: int = 1
    proximal: float = 0.0

    @property
    def epochs(self) -> int:
        """Return how many epochs a site trains in all, over which the learning rate's schedule goes."""
        return self.rounds * self.local_epochs


class ProximalTerm:
    """Handler that adds ``mu / 2 |w - w0|^2`` to the loss, by its gradient; w0 are the weights that a round began with.

    Args:
        network: that trains.
        mu: how strongly.
    """

    def __init__(self, network: torch.nn.Module, mu: float) -> None:
        self.network, self.mu = network, mu
        self.begun_with: list[torch.Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self._pull)

    def _start(self, _: Engine) -> None:
        self.begun_with = [parameter.detach().clone() for parameter in self.network.parameters()]

    def _pull(self, _: Engine) -> None:
        for parameter, before in zip(self.network.parameters(), self.begun_with, strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - before, alpha=self.mu)


class Site:
    """A site's data, and the bundle's training on them, round by round.

    The optimizer and the learning rate's schedule stay at the site and go on from round to round. A site does not
    validate between rounds, and writes ``training_log.txt`` and ``resume.pt`` only.

    Args:
        name: of the site, in the log.
        bundle: the folder whose ``train.json`` says how.
        data_list: the site's own list.
        output_dir: where the site writes.
        plan: of the federation.
        **overrides: values of the config to replace, by id.

    Raises:
        UsageError: the list is bad.
    """

    def __init__(
        self,
        name: str,
        bundle: Path,
        data_list: Path,
        output_dir: Path,
        plan: Plan,
        **overrides: Any,  # noqa: ANN401 - config values
    ) -> None:
        listed = DataListFile.read(data_list)
        never = plan.epochs + 1
        values = {"max_epochs": plan.epochs, "val_interval": never, "patience": never, "amp": False} | overrides
        workflow = make_workflow(bundle, "train", listed, output_dir, **values)
        self.algo = MonaiAlgo(
            bundle_root=str(bundle),
            local_epochs=plan.local_epochs,
            send_weight_diff=False,
            config_evaluate_filename=None,
            train_workflow=workflow,
        )
        with warnings.catch_warnings():
            # That a config is executed: it is the site's own bundle, not one that a server sent.
            warnings.filterwarnings("ignore", message="executing the bundle config", category=UserWarning)
            self.algo.initialize({ExtraItems.CLIENT_NAME: name})
        self.trainer = self.algo.trainer
        self.averaged: torch.nn.Module = workflow.parser.get_parsed_content("averaged_network")
        # The evaluator of the same parse, whose network is the average of the trainer's.
        self.algo.evaluator = workflow.parser.get_parsed_content("validate#evaluator")
        self.n_nodules = len(self.trainer.data_loader.dataset)
        if plan.proximal:
            ProximalTerm(self.trainer.network, plan.proximal).attach(self.trainer)

    def train(self, weights: Mapping[str, torch.Tensor]) -> Weights:
        """Train for a round from the federation's weights; return the site's."""
        self.averaged.load_state_dict(part_of(weights, "averaged", self.averaged.state_dict()))
        self.algo.train(ExchangeObject(weights=part_of(weights, "network", self.trainer.network.state_dict())))
        return join_weights(self.algo.get_weights().weights, self.averaged.state_dict())

    def evaluate(self, weights: Mapping[str, torch.Tensor]) -> dict[str, float]:
        """Return the validation metrics, at this site, of the average that the federation's weights hold."""
        averaged = part_of(weights, "averaged", self.averaged.state_dict())
        return dict(self.algo.evaluate(ExchangeObject(weights=averaged)).metrics)


def federate(sites: list[Site], weights: Mapping[str, torch.Tensor], rounds: int) -> Weights:
    """Return the weights after rounds of FedAvg over sites in this process, one after the other."""
    current = dict(weights)
    for _ in range(rounds):
        current = average_weights([(site.train(current), site.n_nodules) for site in sites])
    return current
