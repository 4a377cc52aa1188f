"""The voxels that the network sees of one nodule: an isotropic patch, one resampling, nothing outside the box."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from .geometry import Affine, Grid, Points, swap_lps_ras, swap_lps_ras_points
from .volume import CTVolume

AIR_HU = -1000.0

# Median extent of the LIDC boxes (mm) over the nodule's diameter, measured on the 826 nodules of the training
# collection: 1.24, 1.23, 0.80. In z the box ends at the centres of the outer slices, hence less than one.
BOX_PER_DIAMETER = (1.25, 1.25, 0.8)

# A face of the box that falls on a voxel centre belongs to the box, whatever rounding did.
_FACE_TOLERANCE_MM = 1e-3

VoxelRange = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in LPS mm: its low and its high corner."""

    low_lps_mm: tuple[float, float, float]
    high_lps_mm: tuple[float, float, float]

    def grown(self, margin_mm: ArrayLike) -> Box:
        """Return the box with a margin (mm; one number or one per axis) added at each face."""
        low = np.asarray(self.low_lps_mm) - np.asarray(margin_mm)
        high = np.asarray(self.high_lps_mm) + np.asarray(margin_mm)
        return Box(as_triple(low), as_triple(high))


def box_around(center_lps_mm: ArrayLike, size_mm: ArrayLike) -> Box:
    """Return the box of a size (mm; one number or one per axis) around an LPS centre (mm)."""
    center, half = np.asarray(center_lps_mm, dtype=np.float64), np.asarray(size_mm, dtype=np.float64) / 2
    return Box(as_triple(center - half), as_triple(center + half))


@dataclass(frozen=True)
class Pose:
    """How the patch lies about the nodule: the identity for inference, drawn at random for augmentation.

    Args:
        matrix: 3x3, turns, mirrors and scales the patch's axes (RAS) about the nodule's centre.
        shift_mm: moves the patch's middle off the nodule's centre, along the patch's own axes, in patch mm.
    """

    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Patch:
    """A cut patch: float32 Hounsfield units (x, y, z) and its 4x4 RAS affine in mm.

    ``inside_fraction`` is the part of the shown voxels that the scan covers; the rest of them is air.
    """

    intensity_hu: NDArray[np.float32]
    affine_ras: Affine
    inside_fraction: float


def patch_affine_ras(center_lps_mm: ArrayLike, size: int, spacing_mm: float, pose: Pose | None = None) -> Affine:
    """Return the RAS affine (4x4, mm) of a cube of ``size`` voxels about an LPS position (mm).

    Without a pose its axes run to the right, the front and the head, whatever the orientation of the scan.
    """
    pose = pose or Pose()
    first_mm = np.asarray(pose.shift_mm) - spacing_mm * (size - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = pose.matrix * spacing_mm
    affine[:3, 3] = swap_lps_ras_points(center_lps_mm) + pose.matrix @ first_mm
    return affine


def shown_voxels(
    box: Box, center_lps_mm: ArrayLike, size: int, spacing_mm: float, pose: Pose | None = None
) -> VoxelRange:
    """Return the patch's voxels whose centres lie in the box, which turns, mirrors and moves with the pose.

    The box shrinks where the pose zooms out, so that it holds the same tissue. A box that lies in the patch but between
    voxel centres shows the voxels nearest to it: in the collection a nodule's box may be one slice, 0 mm thick.
    """
    pose = pose or Pose()
    scale = abs(np.linalg.det(pose.matrix)) ** (1 / 3)
    corners = swap_lps_ras_points([box.low_lps_mm, box.high_lps_mm]) - swap_lps_ras_points(center_lps_mm)
    low = corners.min(axis=0) / scale - np.asarray(pose.shift_mm) - _FACE_TOLERANCE_MM
    high = corners.max(axis=0) / scale - np.asarray(pose.shift_mm) + _FACE_TOLERANCE_MM
    middle = (size - 1) / 2
    first = np.clip(np.ceil(low / spacing_mm + middle), 0, size).astype(int)
    stop = np.clip(np.floor(high / spacing_mm + middle) + 1, first, size).astype(int)
    nearest = np.rint((low + high) / 2 / spacing_mm + middle).astype(int)
    is_between = (first == stop) & (nearest >= 0) & (nearest < size)
    first, stop = np.where(is_between, nearest, first), np.where(is_between, nearest + 1, stop)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return x, y, z


def cut_patch(
    volume: CTVolume, affine_ras: Affine, size: int, shown: VoxelRange | None = None, air_hu: float = AIR_HU
) -> Patch:
    """Return the patch of a scan on the grid of ``affine_ras``, in one linear resampling.

    Args:
        volume: the scan; only the slices that the shown voxels need are read.
        affine_ras: 4x4 voxel-to-RAS affine of the patch, mm.
        size: voxels along each side.
        shown: the voxels that are sampled, all others are filled with air; None samples all.
        air_hu: the fill, Hounsfield units; also where the patch leaves the scan (it is never shifted back inside).
    """
    shown = shown or (slice(0, size),) * 3
    voxels = _patch_voxels(volume.grid, affine_ras, shown)
    inside = volume.grid.contains_voxel(voxels)
    intensity_hu = np.full((size,) * 3, air_hu, dtype=np.float32)
    intensity_hu[shown] = _sample_inside(volume, voxels, inside, air_hu).reshape(intensity_hu[shown].shape)
    return Patch(intensity_hu, affine_ras, float(inside.mean()) if len(inside) else 0.0)


def _patch_voxels(grid: Grid, affine_ras: Affine, shown: VoxelRange) -> Points:
    """Return the scan's voxel indices (n, 3) at a range of a patch's voxel centres."""
    if not grid.is_uniform:
        return grid.voxel_from_lps(patch_points_lps(affine_ras, shown)).reshape(-1, 3)
    # One step from grid to grid, an axis of the scan at a time: numpy is slow along an axis of three.
    matrix = np.linalg.inv(grid.affine_lps) @ swap_lps_ras(affine_ras)
    x, y, z = (np.arange(part.start, part.stop, dtype=np.float64) for part in shown)
    columns = [
        ((a * x)[:, None, None] + (b * y)[:, None] + (c * z + origin)).ravel()
        for a, b, c, origin in matrix[:3].tolist()
    ]
    return np.asarray(np.stack(columns).T)


def _sample_inside(volume: CTVolume, voxels: Points, inside: NDArray[np.bool_], air_hu: float) -> NDArray[np.float32]:
    """Return the values (n,) at voxel indices (n, 3), air where they are not inside."""
    if len(inside) and inside.all():
        return sample_voxels(volume, voxels)
    values = np.full(len(voxels), air_hu, dtype=np.float32)
    if inside.any():
        values[inside] = sample_voxels(volume, voxels[inside])
    return values


def patch_points_lps(affine_ras: Affine, shown: VoxelRange) -> Points:
    """Return the LPS positions (x, y, z, 3) in mm of a range of a patch's voxel centres."""
    affine_lps = swap_lps_ras(affine_ras)
    x, y, z = (np.arange(part.start, part.stop)[:, None] * affine_lps[:3, k] for k, part in enumerate(shown))
    return np.asarray(x[:, None, None] + y[:, None] + (z + affine_lps[:3, 3]))


def sample_voxels(volume: CTVolume, voxels: Points) -> NDArray[np.float32]:
    """Return the trilinear values (n,) in Hounsfield units at fractional voxel indices (n, 3) that lie in the scan.

    Within the outer half voxel the border's value holds, as in ITK's linear interpolator.
    """
    columns = np.ascontiguousarray(voxels.T)  # numpy is slow along an axis of three
    low, high = _index_bounds(columns, volume.grid)
    slab = volume.read_region(low.tolist(), high.tolist())
    normalised = np.empty(voxels.shape, dtype=np.float32)
    for axis, extent in enumerate(np.maximum(np.asarray(slab.shape) - 1, 1)):
        # grid_sample counts axes from the last one.
        normalised[:, 2 - axis] = (columns[axis] - low[axis]) * (2 / extent) - 1
    grid = torch.from_numpy(normalised).reshape(1, 1, 1, -1, 3)
    image = torch.from_numpy(np.ascontiguousarray(slab, dtype=np.float32))[None, None]
    sampled = torch.nn.functional.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=True)
    return np.asarray(sampled.reshape(-1).numpy())


def _index_bounds(columns: NDArray[np.float64], grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the half-open voxel range that linear interpolation at these indices (3, n) needs."""
    last = np.asarray(grid.size_xyz) - 1
    low = np.clip(np.floor(columns.min(axis=1)).astype(np.int64), 0, last)
    high = np.clip(np.floor(columns.max(axis=1)).astype(np.int64) + 1, 0, last) + 1
    return low, high


def as_triple(values: Iterable[float]) -> tuple[float, float, float]:
    """Return three numbers as a tuple of floats."""
    x, y, z = (float(value) for value in values)
    return x, y, z
