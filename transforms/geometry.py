"""Where a voxel is: grids, world positions, and the two world frames LPS and RAS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]
Points = NDArray[np.float64]
Triple = tuple[float, float, float]
# A box as tables, records and MONAI items write it: the low corner, then the high one.
BoxCorners = tuple[float, float, float, float, float, float]
Frame = Literal["LPS", "RAS"]

_FLIP_XY = np.diag([-1.0, -1.0, 1.0, 1.0])


def swap_lps_ras(affine: ArrayLike) -> Affine:
    """Return a voxel-to-world affine (4x4, mm) in the other frame: LPS becomes RAS and RAS becomes LPS.

    >>> swap_lps_ras(np.eye(4)).diagonal().tolist()
    [-1.0, -1.0, 1.0, 1.0]
    """
    return np.asarray(_FLIP_XY @ np.asarray(affine, dtype=np.float64))


def swap_lps_ras_points(points_mm: ArrayLike) -> Points:
    """Return world points (..., 3) in mm in the other frame: the first two coordinates change their sign.

    >>> swap_lps_ras_points([1.0, 2.0, 3.0]).tolist()
    [-1.0, -2.0, 3.0]
    """
    return np.asarray(np.asarray(points_mm, dtype=np.float64) * np.array([-1.0, -1.0, 1.0]))


def apply_affine(affine: ArrayLike, points: ArrayLike) -> Points:
    """Return the points (..., 3) mapped by a 4x4 affine."""
    matrix = np.asarray(affine, dtype=np.float64)
    return np.asarray(np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3])


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a scan are.

    Args:
        size_xyz: number of voxels along the array axes (x, y, z): columns, rows, slices of a DICOM series.
        affine_lps: 4x4, voxel index (i, j, k) to LPS millimetres. May be oblique, left-handed or sheared.
        slice_steps: where slice k stands along the third column of the affine, in units of that column, strictly
            increasing; None means 0, 1, 2, ... With it a series of non-uniform spacing is sampled where its slices are.
    """

    size_xyz: tuple[int, int, int]
    affine_lps: Affine
    slice_steps: NDArray[np.float64] | None = None

    @property
    def spacing_mm(self) -> Triple:
        """Distance between neighbouring voxels along each array axis, mm."""
        x, y, z = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def origin_lps_mm(self) -> Triple:
        """World position of the centre of voxel (0, 0, 0), LPS mm."""
        x, y, z = self.affine_lps[:3, 3]
        return float(x), float(y), float(z)

    @property
    def direction_lps(self) -> NDArray[np.float64]:
        """Unit vectors of the array axes as columns (3x3), LPS."""
        return np.asarray(self.affine_lps[:3, :3] / np.asarray(self.spacing_mm))

    @property
    def is_uniform(self) -> bool:
        """Whether the slices stand at equal distances."""
        return self.slice_steps is None

    def lps_from_voxel(self, voxels: ArrayLike) -> Points:
        """Return the LPS position (..., 3) in mm of voxel indices (..., 3), which may be fractional."""
        index = np.array(voxels, dtype=np.float64)
        if self.slice_steps is not None:
            index[..., 2] = _follow(index[..., 2], np.arange(len(self.slice_steps), dtype=np.float64), self.slice_steps)
        return apply_affine(self.affine_lps, index)

    def voxel_from_lps(self, points_lps_mm: ArrayLike) -> Points:
        """Return the fractional voxel indices (..., 3) of LPS positions (..., 3) in mm."""
        index = apply_affine(np.linalg.inv(self.affine_lps), points_lps_mm)
        if self.slice_steps is not None:
            index[..., 2] = _follow(index[..., 2], self.slice_steps, np.arange(len(self.slice_steps), dtype=np.float64))
        return index

    def contains_voxel(self, voxels: ArrayLike) -> NDArray[np.bool_]:
        """Return, for voxel indices (..., 3), whether they lie in the scan: within half a voxel of a voxel's centre."""
        index = np.asarray(voxels, dtype=np.float64)
        inside: NDArray[np.bool_] = np.ones(index.shape[:-1], dtype=np.bool_)
        for axis, n_voxels in enumerate(self.size_xyz):
            # Both bounds at once: the distance from the middle of the axis.
            inside &= np.abs(index[..., axis] - (n_voxels - 1) / 2) <= n_voxels / 2 + _INDEX_TOLERANCE
        return inside

    def contains_lps(self, points_lps_mm: ArrayLike) -> NDArray[np.bool_]:
        """Return, for LPS positions (..., 3) in mm, whether they lie in the scan."""
        return self.contains_voxel(self.voxel_from_lps(points_lps_mm))


# Rounding of a point that was written with three decimals (0.0005 mm) on the finest grids seen (0.3 mm).
_INDEX_TOLERANCE = 0.002


def _follow(values: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map values through the polyline (xs, ys), continued straight beyond both ends."""
    if len(xs) < 2:
        return values
    segment = np.clip(np.searchsorted(xs, values, side="right") - 1, 0, len(xs) - 2)
    slope = (ys[segment + 1] - ys[segment]) / (xs[segment + 1] - xs[segment])
    return np.asarray(ys[segment] + (values - xs[segment]) * slope)


def affine_from(origin_mm: Sequence[float], direction: ArrayLike, spacing_mm: Sequence[float]) -> Affine:
    """Return the 4x4 voxel-to-world affine of an origin (mm), direction columns (3x3) and a spacing (mm)."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(direction, dtype=np.float64).reshape(3, 3) * np.asarray(spacing_mm, dtype=np.float64)
    affine[:3, 3] = origin_mm
    return affine
