"""The whole scan seen from the front, small, like a radiograph: where in the chest a nodule lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.transforms.volume import CTVolume

_PIXELS_A_SIDE = 160
_SLICES = 64
# Beyond it metal would outshine the ribs.
_RANGE_HU = (-1000.0, 400.0)


@dataclass(frozen=True, eq=False)
class Overview:
    """A scan projected from front to back.

    Args:
        brightness: mean Hounsfield units (down, across): the head is at the top, the patient's right at the left.
        size_mm: across and down, along the scan's own axes, which may be oblique.
        axes: array axes of the scan that run most nearly along LPS x, y and z, and whether each runs the other way.
        size_xyz: voxels of the scan.
    """

    brightness: NDArray[np.float32]
    size_mm: tuple[float, float]
    axes: tuple[tuple[int, bool], ...]
    size_xyz: tuple[int, int, int]

    def place_of(self, voxel: ArrayLike) -> tuple[float, float]:
        """Return where a voxel index (3,) lies: parts of the width from the left, of the height from the top."""
        parts = (np.asarray(voxel, dtype=np.float64) + 0.5) / self.size_xyz
        (x_axis, x_is_turned), _, (z_axis, z_is_turned) = self.axes
        x, z = float(parts[x_axis]), float(parts[z_axis])
        return 1 - x if x_is_turned else x, z if z_is_turned else 1 - z


def overview_of(volume: CTVolume) -> Overview:
    """Return the overview of a scan, from every few slices of it."""
    size_xyz, grid = volume.grid.size_xyz, volume.grid
    step = max(max(size_xyz[:2]) // _PIXELS_A_SIDE, 1)
    chosen = np.unique(np.linspace(0, size_xyz[2] - 1, min(_SLICES, size_xyz[2])).astype(int)).tolist()
    coarse_hu = np.stack([volume.read_slab(k, k + 1)[::step, ::step, 0] for k in chosen], axis=-1)
    order = _array_axes(grid.direction_lps)
    axes = tuple((axis, bool(grid.direction_lps[lps, axis] < 0)) for lps, axis in enumerate(order))
    in_lps = np.transpose(np.clip(coarse_hu, *_RANGE_HU), order)
    in_lps = np.flip(in_lps, tuple(lps for lps, (_, is_turned) in enumerate(axes) if is_turned))
    length_mm = np.asarray(size_xyz) * grid.spacing_mm
    return Overview(
        brightness=np.asarray(in_lps.mean(axis=1).T[::-1], dtype=np.float32),
        size_mm=(float(length_mm[order[0]]), float(length_mm[order[2]])),
        axes=axes,
        size_xyz=size_xyz,
    )


def _array_axes(direction_lps: NDArray[np.float64]) -> list[int]:
    """Return for LPS x, y and z the array axis that runs most nearly along it, each once."""
    left = [0, 1, 2]
    found = {}
    for lps in np.argsort(-np.abs(direction_lps).max(axis=1)).tolist():
        found[lps] = max(left, key=lambda axis: abs(float(direction_lps[lps, axis])))
        left.remove(found[lps])
    return [found[lps] for lps in range(3)]
