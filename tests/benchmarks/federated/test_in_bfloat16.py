"""Steps in bfloat16 follow those in float32: each sees the weights that the step before it left."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from monai.inferers import Inferer, SimpleInferer

from benchmarks.federated.stages import InBfloat16

N_STEPS = 20


def losses(inferer: Inferer) -> list[float]:
    """Return the loss of each step of a small regression, trained by an inferer's outputs."""
    torch.manual_seed(0)
    inputs = torch.randn(64, 8)
    wanted = inputs @ torch.randn(8, 1)
    network = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    found = []
    for _ in range(N_STEPS):
        optimizer.zero_grad()
        outputs = inferer(inputs, network)
        assert outputs.dtype == torch.float32
        loss = ((outputs - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    assert network.weight.dtype == torch.float32
    return found


def test_training_in_bfloat16_follows_training_in_float32() -> None:
    # One autocast around all steps would show the first step's loss again and again.
    plain, rounded = losses(SimpleInferer()), losses(InBfloat16())
    assert rounded[:10] == pytest.approx(plain[:10], rel=0.03)
    assert rounded[0] != plain[0]
    assert all(after < before for before, after in pairwise(rounded[:10]))
