"""What does a network start from, where it does not start at random?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from monai.optimizers import generate_param_groups

from nodulus.pipeline.bundle.weights import read_weights
from nodulus.transforms.problems import UsageError


class KeptNorm(torch.nn.BatchNorm3d):
    """A batch norm that keeps the statistics it was given: in training, too, it normalises as in evaluation.

    Its scale and shift still learn. Statistics of a few small patches are worth less than those of many whole scans.
    """

    def train(self, mode: bool = True) -> KeptNorm:
        """Stay in evaluation."""
        return super().train(mode=False)


def start_network(
    network: torch.nn.Module, weights: str | os.PathLike[str] | None = None, *, keep_norms: bool = False
) -> torch.nn.Module:
    """Return a network whose weights are those of a file, as far as the file goes; the others stay as they are.

    Args:
        network: its state dict names what can start.
        weights: state dict of the network or of its first stages; None or an empty text, which MONAI's command line can
            say, starts nothing.
        keep_norms: whether the batch norms that are in the file keep their statistics.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the file is damaged or no state dict.
        UsageError: it holds what the network has not, or has in another shape.
    """
    if not weights:
        return network
    own, given = network.state_dict(), read_weights(Path(weights))
    for name, value in given.items():
        if name not in own or own[name].shape != value.shape:
            expected = f"of shape {tuple(own[name].shape)}" if name in own else "that the network has"
            raise UsageError(f"Expected weights {expected}, got {name} of shape {tuple(value.shape)} in {weights}")
    network.load_state_dict({**own, **given})
    if keep_norms:
        _keep_norms(network, {name.rpartition(".")[0] for name in given if name.endswith(".running_mean")})
    return network


def parameter_groups(network: torch.nn.Module, stages: Sequence[str], learning_rate: float) -> list[dict[str, Any]]:
    """Return a network's parameters as an optimizer takes them, those of some stages with a learning rate of their own.

    Args:
        network: may be spread over several processes.
        stages: first names of the parameters, ``layer1``.
        learning_rate: theirs; all others have the optimizer's.
    """

    def is_among(named: tuple[str, torch.nn.Parameter]) -> bool:
        return named[0].removeprefix("module.").partition(".")[0] in stages

    groups: list[dict[str, Any]] = generate_param_groups(network, [is_among], ["filter"], [learning_rate])
    return groups


def _keep_norms(network: torch.nn.Module, names: set[str]) -> None:
    for name in names:
        parent, _, last = name.rpartition(".")
        holder: Any = network.get_submodule(parent)
        norm = holder.get_submodule(last)
        kept = KeptNorm(norm.num_features, norm.eps, norm.momentum).to(norm.weight.device)
        kept.load_state_dict(norm.state_dict())
        setattr(holder, last, kept.eval())
