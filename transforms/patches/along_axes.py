"""Interpolation on a grid whose axes run along the scan's: an axis at a time, to the same last digit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Affine, Grid, swap_lps_ras

from .box import VoxelRange
from .trilinear import placed_along

Steps = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AlongAxes:
    """A range of a patch's voxels in a scan whose axes are parallel to the patch's.

    Args:
        steps: the fractional voxel indices along each axis of the scan.
        patch_axes: which axis of the patch each of them runs along.
    """

    steps: tuple[Steps, Steps, Steps]
    patch_axes: tuple[int, int, int]

    def inside(self, grid: Grid) -> tuple[NDArray[np.bool_], ...]:
        """Return which steps along each axis lie in the scan."""
        middle = [(n - 1) / 2 for n in grid.size_xyz]
        points = [np.tile(middle, (len(steps), 1)) for steps in self.steps]
        for axis, steps in enumerate(self.steps):
            points[axis][:, axis] = steps
        return tuple(grid.contains_voxel(each) for each in points)

    def in_patch(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values along the scan's axes as the patch has them."""
        return np.transpose(values, np.argsort(self.patch_axes))


def along_axes(grid: Grid, affine_ras: Affine, shown: VoxelRange) -> AlongAxes | None:
    """Return where a range of a patch's voxels lies in a scan; None where the axes are not parallel, or uneven.

    The numbers are those that a step from grid to grid gives of each point.
    """
    if not grid.is_uniform:
        return None
    matrix = np.linalg.inv(grid.affine_lps) @ swap_lps_ras(affine_ras)
    if not np.array_equal(np.count_nonzero(matrix[:3, :3], axis=1), (1, 1, 1)):
        return None
    axes = [int(np.flatnonzero(row)[0]) for row in matrix[:3, :3]]
    steps = [
        np.arange(shown[axis].start, shown[axis].stop, dtype=np.float64) * float(row[axis]) + float(row[3])
        for axis, row in zip(axes, matrix[:3], strict=True)
    ]
    return AlongAxes((steps[0], steps[1], steps[2]), (axes[0], axes[1], axes[2]))


def interpolate_along(slab: NDArray[np.float32], steps: tuple[Steps, Steps, Steps]) -> NDArray[np.float32]:
    """Return the trilinear values of a slab (x, y, z) where steps along its axes meet; its border holds beyond it."""
    (below_x, x), (below_y, y), (below_z, z) = (placed_along(*each) for each in zip(steps, slab.shape, strict=True))
    planes = [slab.take(at, axis=0) for at in _neighbours(below_x, slab.shape[0])]
    rows = [[plane.take(at, axis=1) for at in _neighbours(below_y, slab.shape[1])] for plane in planes]
    values: NDArray[np.float32] = np.zeros([len(each) for each in steps], dtype=np.float32)
    for i, j, k in product((0, 1), repeat=3):
        corner = rows[i][j].take(_neighbours(below_z, slab.shape[2])[k], axis=2)
        corner *= (z[k] * y[j][:, None]) * x[i][:, None, None]
        values += corner
    return values


def _neighbours(below: NDArray[np.intp], n_voxels: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return below, below + (1 if n_voxels > 1 else 0)
