"""Both readouts as one network: MONAI's ResNet and a linear layer on the middles of a stage's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.networks.nets import ResNet
from numpy.typing import NDArray

from benchmarks.frozen.describe import CELLS, middle
from benchmarks.frozen.ridge import channel_weights
from benchmarks.frozen.study import Study
from nodulus.pipeline.data.data_list import DataListItem

from .study import MIDDLE

BENIGN, MALIGNANT = 0, 1


class TwoReadouts(ResNet):  # type: ignore[misc]  # MONAI has no types
    """A ``ResNet`` that adds to its outputs what a linear layer says of the middles of the second stage's blocks.

    The layer says nothing, zero, until it is set. The state dict is that of the ``ResNet``, and ``middle``.

    Args:
        **arguments: of the ``ResNet``.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - MONAI's own
        super().__init__(**arguments)
        n_channels = sum(block.conv3.out_channels for block in self.layer2)
        self.middle = torch.nn.Linear(n_channels * len(CELLS), self.fc.out_features)
        torch.nn.init.zeros_(self.middle.weight)
        torch.nn.init.zeros_(self.middle.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs (n, classes) of patches (n, channels, x, y, z)."""
        out = self.layer1(self.maxpool(self.act(self.bn1(self.conv1(x)))))
        narrow, wide = [], []
        for block in self.layer2:
            out = block(out)
            narrow.append(middle(out, 1))  # CELLS, one by one: so TorchScript can follow
            wide.append(middle(out, 3))
        pooled = self.avgpool(self.layer4(self.layer3(out))).flatten(1)
        outputs: torch.Tensor = self.fc(pooled) + self.middle(torch.cat(narrow + wide, dim=1))
        return outputs


def set_middle(network: TwoReadouts, study: Study, training: Sequence[DataListItem]) -> None:
    """Let the linear layer say the logit of the regression on training nodules, half of it for each class."""
    known = np.array([study.place[item.nodule_id] for item in training])
    chances = np.array([study.chance[item.nodule_id] for item in training])
    fitted = study.regressions(training, {MIDDLE: tuple(study.said)})[MIDDLE]
    (said,) = study.said.values()
    weights, intercept = channel_weights(said.blocks(), chances, known, fitted)
    slope, offset = fitted.line(chances)
    _set(network.middle, slope * weights, slope * intercept + offset)


@torch.no_grad()
def _set(layer: torch.nn.Linear, weights: NDArray[np.float64], intercept: float) -> None:
    for output, sign in ((MALIGNANT, 0.5), (BENIGN, -0.5)):
        layer.weight[output] = torch.from_numpy(sign * weights)
        layer.bias[output] = sign * intercept
