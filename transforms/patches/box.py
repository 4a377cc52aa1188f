"""A nodule's box, the pose of a patch about it, and which voxels of the patch lie in the box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.transforms.geometry import Affine, Triple, swap_lps_ras_points

# Median extent of the LIDC boxes (mm) over the nodule's diameter, measured on the 826 nodules of the training
# collection: 1.24, 1.23, 0.80. In z the box ends at the centres of the outer slices, hence less than one.
BOX_PER_DIAMETER = (1.25, 1.25, 0.8)


# A face of the box that falls on a voxel centre belongs to the box, whatever rounding did.
_FACE_TOLERANCE_MM = 1e-3


VoxelRange = tuple[slice, slice, slice]
# One number for all axes, or one for each of x, y and z.
Size = int | Sequence[int]
Spacing = float | Sequence[float]


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in LPS mm: its low and its high corner."""

    low_lps_mm: Triple
    high_lps_mm: Triple

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
    shift_mm: Triple = (0.0, 0.0, 0.0)


def patch_affine_ras(center_lps_mm: ArrayLike, size: Size, spacing_mm: Spacing, pose: Pose | None = None) -> Affine:
    """Return the RAS affine (4x4, mm) of a block of ``size`` voxels about an LPS position (mm).

    Without a pose its axes run to the right, the front and the head, whatever the orientation of the scan.
    """
    pose = pose or Pose()
    spacing, sizes = np.asarray(as_triple(spacing_mm)), np.asarray(as_sizes(size))
    first_mm = np.asarray(pose.shift_mm) - spacing * (sizes - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = pose.matrix * spacing
    affine[:3, 3] = swap_lps_ras_points(center_lps_mm) + pose.matrix @ first_mm
    return affine


def shown_voxels(
    box: Box, center_lps_mm: ArrayLike, size: Size, spacing_mm: Spacing, pose: Pose | None = None
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
    spacing, sizes = np.asarray(as_triple(spacing_mm)), np.asarray(as_sizes(size))
    middle = (sizes - 1) / 2
    first = np.clip(np.ceil(low / spacing + middle), 0, sizes).astype(int)
    stop = np.clip(np.floor(high / spacing + middle) + 1, first, sizes).astype(int)
    nearest = np.rint((low + high) / 2 / spacing + middle).astype(int)
    is_between = (first == stop) & (nearest >= 0) & (nearest < sizes)
    first, stop = np.where(is_between, nearest, first), np.where(is_between, nearest + 1, stop)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return x, y, z


def as_triple(values: float | Iterable[float]) -> Triple:
    """Return three numbers, or one for all three axes, as a tuple of floats."""
    x, y, z = (float(value) for value in (values if isinstance(values, Iterable) else (values,) * 3))
    return x, y, z


def as_sizes(size: Size) -> tuple[int, int, int]:
    """Return how many voxels a patch has along each axis; one number is that of a cube."""
    x, y, z = (int(length) for length in ((size,) * 3 if isinstance(size, int) else size))
    return x, y, z
