"""The trained network with random weights from the top down, as in Adebayo et al., "Sanity Checks", 2018."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch

# From the output down to the input; each stage keeps the ones before it random.
STAGES = (("fc",), ("layer4",), ("layer3",), ("layer2",), ("layer1",), ("conv1", "bn1"))
STAGE_NAMES = tuple(names[0] for names in STAGES)


def cascade(network: torch.nn.Module, seed: int) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield the network with ever more layers random, by the name of the last one; the last one has no trained weight.

    Args:
        network: trained; it is not changed.
        seed: of the random weights.
    """
    changing = copy.deepcopy(network)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for names in STAGES:
            for name in names:
                _reset(changing.get_submodule(name))
            yield names[0], copy.deepcopy(changing).eval()


def _reset(module: torch.nn.Module) -> None:
    for each in module.modules():
        if isinstance(each, torch.nn.Conv3d | torch.nn.BatchNorm3d | torch.nn.Linear):
            each.reset_parameters()
