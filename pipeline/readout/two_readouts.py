"""The bundle's network: MONAI's ResNet, and beside its late stages a linear readout of a nodule's middle."""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets import ResNet

# Cells about the middle, along each axis: a block is read at one cell, and at the mean over 27.
CELLS = (1, 3)


class TwoReadouts(ResNet):
    """A ``ResNet`` whose logit is the sum of two: that of its late stages, and that of a linear layer, ``middle``.

    The layer reads, at the middle of the patch, what each block of ``layer2`` says there. No gradient reaches it: it is
    solved (``SolveMiddle``), and says nothing, zero, until then. The late stages learn as if it were not there: in
    training their outputs are returned alone. Summed, they would be taught what the layer leaves over on the very
    nodules that it was solved on, which is nothing.

    Its state dict is that of the ``ResNet``, and ``middle.weight`` and ``middle.bias``. The sizes of the second stage
    are odd, so that one cell lies in the middle.

    Args:
        **arguments: of the ``ResNet``. Of its classes the first two are benign and malignant, whose logits part by the
            sum; the others are the late stages' own.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - MONAI's own
        super().__init__(**arguments)
        n_channels = len(self.layer2) * self.layer3[0].conv1.in_channels
        self.middle = torch.nn.Linear(n_channels * len(CELLS), 1)
        for parameter in self.middle.parameters():
            torch.nn.init.zeros_(parameter)
            parameter.requires_grad_(False)
        sides = torch.zeros(self.fc.out_features)
        sides[:2] = torch.tensor([-0.5, 0.5])
        self.register_buffer("sides", sides, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs (n, classes) of patches (n, channels, x, y, z); in training, the late stages' alone."""
        out = self.layer1(self.maxpool(self.act(self.bn1(self.conv1(x)))))
        if self.training:
            return self._late(self.layer2(out))
        narrow, wide = [], []
        for block in self.layer2:
            out = block(out)
            narrow.append(middle_of(out, 1))  # CELLS, one by one: so TorchScript can follow
            wide.append(middle_of(out, 3))
        outputs: torch.Tensor = self._late(out) + self.middle(torch.cat(narrow + wide, dim=1)) * self.sides
        return outputs

    def _late(self, out: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.avgpool(self.layer4(self.layer3(out))).flatten(1)
        outputs: torch.Tensor = self.fc(pooled)
        return outputs


def middle_of(out: torch.Tensor, n_cells: int) -> torch.Tensor:
    """Return the mean (n, channels) over the cells about the middle of what a block says (n, channels, x, y, z)."""
    # Each axis by itself: so TorchScript can follow.
    x, y, z = out.shape[2] // 2 - n_cells // 2, out.shape[3] // 2 - n_cells // 2, out.shape[4] // 2 - n_cells // 2
    return out[:, :, x : x + n_cells, y : y + n_cells, z : z + n_cells].float().mean(dim=(2, 3, 4))
