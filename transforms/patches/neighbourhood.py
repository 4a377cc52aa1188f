"""The part of a scan about a nodule, read once and held in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import BoxCorners, Grid
from nodulus.transforms.volume import CTVolume

# From a shape to as many Hounsfield units.
Draw = Callable[[tuple[int, ...]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Some voxels of a scan.

    Args:
        scan: the scan, all of it.
        intensity_hu: the voxels held, (x, y, z) Hounsfield units.
        low_xyz: the scan's index of the first of them.
    """

    scan: CTVolume
    intensity_hu: NDArray[np.float32]
    low_xyz: tuple[int, int, int]

    def as_scan(self, added: Draw | None = None) -> CTVolume:
        """Return the scan as it is, but that what is held is not read again.

        Args:
            added: draws what is added to the voxels held; the same each time, as it is drawn anew for every reading. To
                a reading that goes beyond the voxels held nothing is added.
        """

        def read_box(low_xyz: Sequence[int], high_xyz: Sequence[int]) -> NDArray[np.float32]:
            low, high = np.subtract(low_xyz, self.low_xyz), np.subtract(high_xyz, self.low_xyz)
            if (low < 0).any() or (high > self.intensity_hu.shape).any():
                return self.scan.read_region(low_xyz, high_xyz)
            held_hu = self.intensity_hu if added is None else self.intensity_hu + added(self.intensity_hu.shape)
            return held_hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]

        return replace(self.scan, read_box=read_box)


def read_neighbourhood(scan: CTVolume, box_lps_mm: BoxCorners) -> Neighbourhood:
    """Return the voxels of a scan in and about a box (low corner, high corner): one more on each side, if scanned.

    Raises:
        InputRefusedError: a slice of them cannot be read.
    """
    low, high = voxel_range(scan.grid, box_lps_mm)
    return Neighbourhood(scan, scan.read_region(low, high), low)


def voxel_range(grid: Grid, box_lps_mm: BoxCorners) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the first voxel index of a box, and the one after its last; at least one voxel, however the box lies.

    The voxels beside the box are taken too: what lies between two is interpolated from both.
    """
    corners = grid.voxel_from_lps(list(product(*zip(box_lps_mm[:3], box_lps_mm[3:], strict=True))))
    last = np.asarray(grid.size_xyz) - 1
    first_xyz = np.clip(np.floor(corners.min(axis=0)), 0, last).astype(int)
    stop_xyz = np.clip(np.ceil(corners.max(axis=0)), 0, last).astype(int) + 1
    (a, b, c), (d, e, f) = first_xyz.tolist(), np.maximum(stop_xyz, first_xyz + 1).tolist()
    return (a, b, c), (d, e, f)
