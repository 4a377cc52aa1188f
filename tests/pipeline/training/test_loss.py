"""The loss of a training batch."""

from __future__ import annotations

import math

import pytest
import torch

from nodulus.pipeline.readout.characteristics import OUTPUTS
from nodulus.pipeline.training.loss import RatingsLoss

NAN = float("nan")


def targets(malignant: float, *fractions: float) -> torch.Tensor:
    filled = [*fractions, *[NAN] * (len(OUTPUTS) - 2 - len(fractions))]
    return torch.tensor([[1 - malignant, malignant, *filled]])


def test_without_ratings_of_characteristics_it_is_the_cross_entropy() -> None:
    outputs = torch.linspace(-1, 1, len(OUTPUTS))[None]
    wanted = torch.nn.functional.cross_entropy(outputs[:, :2], torch.tensor([[0.25, 0.75]]))
    torch.testing.assert_close(RatingsLoss(3.0)(outputs, targets(0.75)), wanted)


def test_what_was_rated_adds_its_weighted_mean_and_what_was_not_has_no_gradient() -> None:
    outputs = torch.zeros(1, len(OUTPUTS), requires_grad=True)
    loss = RatingsLoss(2.0)(outputs, targets(0.5, 1.0, 0.0))
    assert loss.item() == pytest.approx(3 * math.log(2))  # each logit of zero costs log 2, whatever it should be
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert gradient[0, 2:4].tolist() == pytest.approx([-0.5, 0.5])
    assert gradient[0, 4:].abs().sum() == 0


def test_the_least_loss_is_at_the_readers_mean() -> None:
    loss = RatingsLoss(1.0)
    at = {z: loss(torch.tensor([[0.0, 0.0, z, *[0.0] * 7]]), targets(0.5, 0.731)).item() for z in (0.5, 1.0, 1.5)}
    assert min(at, key=at.__getitem__) == 1.0  # sigmoid(1) = 0.731
