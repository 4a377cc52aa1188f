"""Random and plain patches of many nodules at once, cut on the device that trains on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from nodulus.transforms.geometry import swap_lps_ras_points
from nodulus.transforms.patches.box import BOX_PER_DIAMETER

AIR_HU = -1000.0
_MARGIN_MM = np.array([5.0, 5.0, 0.0])


@dataclass(frozen=True, eq=False)
class Crops:
    """All crops on one device, and where the nodule lies in each.

    Args:
        voxels_hu: int16 (n, x, y, z), padded to one size.
        sizes: (n, 3) the crops' own sizes.
        voxel_from_ras: (n, 4, 4).
        centers_ras_mm: (n, 3).
        boxes_mm: (n, 2, 2, 3) corners about the centre, RAS: the nodule's own box, and the one of its diameter.
        targets: float32 (n, 10).
    """

    voxels_hu: torch.Tensor
    sizes: torch.Tensor
    voxel_from_ras: NDArray[np.float64]
    centers_ras_mm: NDArray[np.float64]
    boxes_mm: NDArray[np.float64]
    targets: torch.Tensor

    @classmethod
    def read(cls, path: str, device: str) -> Crops:
        """Return the crops of a file that ``pack`` wrote."""
        with np.load(path) as stored:
            held = {name: stored[name] for name in stored.files}
        sizes = held["sizes"]
        padded = np.full((len(sizes), *sizes.max(axis=0)), int(AIR_HU), dtype=np.int16)
        start = 0
        for each, (x, y, z) in zip(padded, sizes, strict=True):
            each[:x, :y, :z] = held["voxels"][start : start + x * y * z].reshape(x, y, z)
            start += x * y * z
        return cls(
            torch.from_numpy(padded).to(device),
            torch.from_numpy(sizes.astype(np.float32)).to(device),
            np.linalg.inv(held["affines_ras"]),
            held["centers_ras"],
            held["boxes"],
            torch.from_numpy(held["targets"]).to(device),
        )


def boxes_about(center_lps_mm: Sequence[float], diameter_mm: float, box_lps_mm: Sequence[float]) -> NDArray[np.float64]:
    """Return a nodule's two boxes (own, diameter's; low, high; RAS mm about the centre)."""
    own = swap_lps_ras_points(np.reshape(box_lps_mm, (2, 3)) - np.asarray(center_lps_mm))
    half = diameter_mm * np.asarray(BOX_PER_DIAMETER) / 2
    return np.stack([np.sort(own, axis=0), np.stack([-half, half])])


@dataclass(frozen=True)
class Grid:
    """The patch: odd sizes, so that the nodule's centre is a voxel's, and what Hounsfield units become 0 and 1."""

    size: tuple[int, int, int] = (65, 65, 33)
    spacing_mm: tuple[float, float, float] = (0.5, 0.5, 1.0)
    window_hu: tuple[float, float] = (-1000.0, 1000.0)


@dataclass(frozen=True)
class Draw:
    """How far random views go; the numbers are those of ``train.json``."""

    tilt_rad: float = 0.1
    scale: float = 0.1
    shift_mm: float = 1.0
    jitter_mm: tuple[float, float, float] = (1.0, 1.0, 0.0)
    noise_hu: float = 56.0


def plain(crops: Crops, which: NDArray[np.int64], box: int, grid: Grid) -> torch.Tensor:
    """Return the patches (n, 1, x, y, z) of nodules as at inference, with their own box (0) or their diameter's (1)."""
    n = len(which)
    return _cut(crops, which, np.tile(np.eye(3), (n, 1, 1)), np.zeros((n, 3)), crops.boxes_mm[which, box], grid)[0]


def randomised(
    crops: Crops, which: NDArray[np.int64], grid: Grid, draw: Draw, random: np.random.Generator
) -> torch.Tensor:
    """Return random patches (n, 1, x, y, z) of nodules: mirrored, turned, scaled, shifted, brighter, blurred, noisy."""
    n = len(which)
    signs = np.where(random.random((n, 3)) < 0.5, -1.0, 1.0)
    angles = random.uniform(-1, 1, (n, 3)) * [draw.tilt_rad, draw.tilt_rad, np.pi]
    turn = _turns(angles[:, 0], 0) @ _turns(angles[:, 1], 1) @ _turns(angles[:, 2], 2)
    matrix = turn * signs[:, None, :] * (1 + random.uniform(-1, 1, (n, 1, 1)) * draw.scale)
    shift = random.uniform(-1, 1, (n, 3)) * draw.shift_mm
    boxes = crops.boxes_mm[which, (random.random(n) < 0.5).astype(int)]
    boxes = boxes + random.uniform(-1, 1, (n, 2, 3)) * draw.jitter_mm
    boxes = np.stack([boxes.min(axis=1), boxes.max(axis=1)], axis=1)
    patches, shown = _cut(crops, which, matrix, shift, boxes, grid)
    return torch.where(shown, _intensities(patches, draw.noise_hu / np.ptp(grid.window_hu), random), 0.0)


def _turns(angles: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = (other for other in range(3) if other != axis)
    turn = np.tile(np.eye(3), (len(angles), 1, 1))
    turn[:, first, first] = turn[:, second, second] = cos
    turn[:, first, second], turn[:, second, first] = -sin, sin
    return turn


def _cut(
    crops: Crops,
    which: NDArray[np.int64],
    matrix: NDArray[np.float64],
    shift_mm: NDArray[np.float64],
    boxes_mm: NDArray[np.float64],
    grid: Grid,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return patches in [0, 1] and which of their voxels are shown, as ``cut_patch`` and ``shown_voxels`` do."""
    device, size = crops.voxels_hu.device, grid.size
    spacing, middle = np.asarray(grid.spacing_mm), (np.asarray(size) - 1) / 2
    to_voxel = crops.voxel_from_ras[which]
    step = to_voxel[:, :3, :3] @ matrix * spacing
    first_mm = shift_mm - spacing * middle
    origin = crops.centers_ras_mm[which] + np.einsum("nij,nj->ni", matrix, first_mm)
    origin = np.einsum("nij,nj->ni", to_voxel[:, :3, :3], origin) + to_voxel[:, :3, 3]
    axes = [torch.arange(length, device=device, dtype=torch.float32) for length in size]
    index = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)
    steps = torch.from_numpy(step).float().to(device)
    voxel = index @ steps.transpose(1, 2) + torch.from_numpy(origin).float().to(device)[:, None]
    sizes = crops.sizes[which][:, None]
    inside = ((voxel >= -0.5) & (voxel <= sizes - 0.5)).all(dim=-1)
    voxel = torch.minimum(voxel.clamp(min=0), sizes - 1)
    padded = torch.tensor(crops.voxels_hu.shape[1:], device=device, dtype=torch.float32)
    normalised = (voxel * 2 / (padded - 1) - 1).flip(-1).reshape(len(which), *size, 3)
    images = crops.voxels_hu[torch.from_numpy(which).to(device)][:, None].float()
    sampled = functional.grid_sample(images, normalised, align_corners=True, padding_mode="border")
    sampled = torch.where(inside.reshape(-1, 1, *size), sampled, AIR_HU)
    low_hu, high_hu = grid.window_hu
    shown = _shown(boxes_mm, matrix, shift_mm, grid, device)
    return torch.where(shown, ((sampled - low_hu) / (high_hu - low_hu)).clamp(0, 1), 0.0), shown


def _shown(
    boxes_mm: NDArray[np.float64],
    matrix: NDArray[np.float64],
    shift_mm: NDArray[np.float64],
    grid: Grid,
    device: torch.device,
) -> torch.Tensor:
    scale = np.abs(np.linalg.det(matrix))[:, None] ** (1 / 3)
    low = (boxes_mm[:, 0] - _MARGIN_MM) / scale - shift_mm - 1e-3
    high = (boxes_mm[:, 1] + _MARGIN_MM) / scale - shift_mm + 1e-3
    shown = torch.ones((len(boxes_mm), 1, *grid.size), dtype=torch.bool, device=device)
    for axis, (length, spacing) in enumerate(zip(grid.size, grid.spacing_mm, strict=True)):
        middle = (length - 1) / 2
        first, last = np.ceil(low[:, axis] / spacing + middle), np.floor(high[:, axis] / spacing + middle)
        nearest = np.rint((low + high)[:, axis] / 2 / spacing + middle)
        is_between = first > last
        first, last = np.where(is_between, nearest, first), np.where(is_between, nearest, last)
        index = np.arange(length)
        is_shown = (index >= first[:, None]) & (index <= last[:, None])
        shape = [len(boxes_mm), 1, 1, 1, 1]
        shape[2 + axis] = length
        shown &= torch.from_numpy(is_shown).to(device).reshape(shape)
    return shown


def _intensities(patches: torch.Tensor, noise: float, random: np.random.Generator) -> torch.Tensor:
    n, device = len(patches), patches.device

    def sometimes(values: NDArray[np.float64], chance: float) -> torch.Tensor:
        drawn = np.where(random.random(n) < chance, values, 0.0)
        return torch.from_numpy(drawn).float().to(device).reshape(-1, 1, 1, 1, 1)

    patches = patches * (1 + sometimes(random.uniform(-0.1, 0.1, n), 0.5))
    patches = patches + sometimes(random.uniform(-0.035, 0.035, n), 0.5)
    patches = _blurred(patches, np.where(random.random((n, 1)) < 0.2, random.uniform(0.3, 0.8, (n, 3)), 1e-3))
    return patches + sometimes(random.uniform(0, noise, n), 0.5) * torch.randn_like(patches)


def _blurred(patches: torch.Tensor, sigmas: NDArray[np.float64]) -> torch.Tensor:
    """Return each patch blurred by its own Gaussians (sigma in voxels, an axis)."""
    n = len(patches)
    taps = np.arange(-3, 4)
    kernels = np.exp(-(taps**2) / (2 * sigmas[..., None] ** 2))
    kernels /= kernels.sum(axis=-1, keepdims=True)
    together = patches.transpose(0, 1)
    for axis in range(3):
        shape, padding = [n, 1, 1, 1, 1], [0, 0, 0]
        shape[2 + axis], padding[axis] = len(taps), len(taps) // 2
        kernel = torch.from_numpy(kernels[:, axis]).float().to(patches.device).reshape(shape)
        together = functional.conv3d(together, kernel, padding=padding, groups=n)
    return together.transpose(0, 1)
