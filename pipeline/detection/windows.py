"""How the network is taken over a scan: in windows that fit into memory, each of which is told of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import SlidingWindowInferer

from nodulus.pipeline.bundle.run import Tell

# MONAI's RetinaNet on ResNet-50 takes 0.23 GB per million voxels of a window, measured on CPUs with float32.
BYTES_PER_VOXEL = 230
# The network's coarsest map is some of its finest divisor apart; a window's steps, a quarter of it, must fall on it.
_STEPS = 4


def fitting_window(
    window: Sequence[int], image: Sequence[int], divisible: Sequence[int], memory_gb: float
) -> tuple[int, ...]:
    """Return the window, made smaller until its voxels fit into memory; never beyond the image, as it is padded.

    Args:
        window: the bundle's own, voxels.
        image: the scan's size, voxels.
        divisible: what the network wants each side to be a multiple of.
        memory_gb: what the network may take, GB.
    """
    padded = [math.ceil(n / d) * d for n, d in zip(image, divisible, strict=True)]
    steps = [_STEPS * d for d in divisible]
    sides = [min(w, p) for w, p in zip(window, padded, strict=True)]
    while math.prod(sides) * BYTES_PER_VOXEL > memory_gb * 1e9:
        axis = max(range(len(sides)), key=lambda each: sides[each] / steps[each])
        if sides[axis] <= steps[axis]:
            break
        sides[axis] = max(1, sides[axis] // 2 // steps[axis]) * steps[axis]
    return tuple(sides)


def n_windows(window: Sequence[int], image: Sequence[int], overlap: float) -> int:
    """Return how many windows cover an image, as MONAI lays them."""
    return math.prod(
        1 if side >= n else math.ceil((n - side) / max(1, int(side * (1 - overlap)))) + 1
        for side, n in zip(window, image, strict=True)
    )


class WindowNetwork(torch.nn.Module):
    """The network as the detector calls it, a window at a time; what it gives is float32 whatever it computes in.

    In bfloat16 the boxes' corners, up to 512, would be whole multiples of two or four voxels.

    Args:
        network: gives lists of maps by name.
        tell: is told of each window.
        of: how many there are.
        bf16: compute in bfloat16.
    """

    def __init__(self, network: torch.nn.Module, tell: Tell, of: int, *, bf16: bool) -> None:
        super().__init__()
        self.network, self._tell, self._of, self._bf16 = network, tell, of, bf16
        self._n_done = 0

    def forward(self, images: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        """Return the network's maps of a window."""
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=self._bf16):
            maps: Any = self.network(images)
        self._n_done += 1
        self._tell("detecting, window", self._n_done, self._of)
        return {name: [each.float() for each in levels] for name, levels in maps.items()}


def window_inferer(like: SlidingWindowInferer, window: Sequence[int], device: torch.device) -> SlidingWindowInferer:
    """Return the bundle's inferer with another window; its maps are gathered in the computer's memory."""
    return SlidingWindowInferer(
        roi_size=tuple(window), sw_batch_size=1, overlap=like.overlap, mode=like.mode, sw_device=device, device="cpu"
    )
