"""Stand-ins for a detection network that are sure of places: what is proven with them is where their boxes end."""

from __future__ import annotations

from collections.abc import Sequence

import torch

# Of the small bundle (detection_bundle.py): the stride of its finest map, one of its anchors, and its side, voxels.
STRIDE, ANCHOR, ANCHOR_SIDE = 4, 1, 6
LOGIT = 5.0


def planted_maps(size: Sequence[int], middles: Sequence[torch.Tensor]) -> dict[str, list[torch.Tensor]]:
    """Return the maps of a network that is sure of an anchor's cube about each of some voxels, and of nothing else."""
    maps = [[n // stride for n in size] for stride in (STRIDE, 2 * STRIDE)]
    logits = [torch.full((1, 3, *each), -20.0) for each in maps]
    boxes = [torch.zeros((1, 18, *each)) for each in maps]
    for middle in middles:
        x, y, z = (min(int(at) // STRIDE, n - 1) for at, n in zip(middle, maps[0], strict=True))
        logits[0][0, ANCHOR, x, y, z] = LOGIT
        # As MONAI's coder takes it: by how many of its sides an anchor is moved.
        anchor_middle = torch.tensor([x, y, z]) * STRIDE + STRIDE // 2
        boxes[0][0, 6 * ANCHOR : 6 * ANCHOR + 3, x, y, z] = ((middle - anchor_middle) / ANCHOR_SIDE).float()
    return {"classification": logits, "box_regression": boxes}


class SureOfTheBrightest(torch.nn.Module):
    """Is sure of the middle of what is nearly white, where that is more than a few voxels."""

    def forward(self, images: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        """Return its maps of a window."""
        bright = (images[0, 0] > 0.9).nonzero().float()
        return planted_maps(images.shape[2:], [bright.mean(dim=0)] if len(bright) > 20 else [])


class SureOfPlaces(torch.nn.Module):
    """Is sure of some voxels of a scan that is shown to it in one window, whatever the scan shows.

    Args:
        middles: the voxels, fractional, on the grid along the patient's axes.
    """

    def __init__(self, middles: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.middles = middles

    def forward(self, images: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        """Return its maps of the scan."""
        return planted_maps(images.shape[2:], self.middles)
