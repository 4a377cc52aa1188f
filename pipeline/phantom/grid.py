"""Where the voxels of a phantom lie, slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .spec import PhantomSpec

# float32 in fact: numpy's stubs take a float32 array times a float for float64, which it is not (NEP 50).
Field = NDArray[np.floating[Any]]
Points = NDArray[np.float64]

# A slab of half a million voxels keeps its temporaries in the processor's cache: twice as fast as whole volumes.
SLAB_VOXELS = 2**19


@dataclass(frozen=True)
class Place:
    """Where a set of voxels lies.

    Attributes:
        x_mm: LPS x, with y_mm and z_mm broadcasting to the voxels' shape, usually (z, y, x).
        y_mm: LPS y.
        z_mm: LPS z.
        edge_mm: Width over which a boundary blurs: the size of a voxel.
    """

    x_mm: Field
    y_mm: Field
    z_mm: Field
    edge_mm: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape that the coordinates broadcast to."""
        return np.broadcast_shapes(self.x_mm.shape, self.y_mm.shape, self.z_mm.shape)

    @property
    def z_range_mm(self) -> tuple[float, float]:
        """Lowest and highest LPS z."""
        return float(self.z_mm.min()), float(self.z_mm.max())

    def where(self, mask: NDArray[np.bool_]) -> Place:
        """The same for the voxels of a mask only, as flat arrays."""
        x, y, z = (np.broadcast_to(axis, self.shape)[mask] for axis in (self.x_mm, self.y_mm, self.z_mm))
        return Place(x, y, z, self.edge_mm)


@dataclass(frozen=True)
class PhantomGrid:
    """The voxel grid of a spec; arrays over it are (z, y, x), so that a slab is contiguous.

    Grid millimetres, used for small things in local boxes, are voxel index times spacing: the patient's
    space turned so that every box is aligned with the axes, also in an oblique phantom.
    """

    spec: PhantomSpec

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Number of slices, rows, columns."""
        n_x, n_y, n_z = self.spec.size_xyz
        return n_z, n_y, n_x

    @cached_property
    def edge_mm(self) -> float:
        """Side of the cube of a voxel's volume."""
        return float(np.prod(self.spec.spacing_mm) ** (1 / 3))

    @cached_property
    def affine_lps(self) -> Points:
        """4x4, voxel index to LPS millimetres."""
        return self.spec.affine_lps

    @cached_property
    def direction(self) -> Points:
        """3x3, columns are the LPS directions of the grid's axes."""
        return np.asarray(self.spec.direction_lps, dtype=np.float64)

    def slabs(self) -> Iterator[slice]:
        """Ranges of slices that together cover the grid."""
        n_z, n_y, n_x = self.shape_zyx
        step = max(1, SLAB_VOXELS // (n_y * n_x))
        return (slice(start, min(start + step, n_z)) for start in range(0, n_z, step))

    def place(self, slices: slice) -> Place:
        """Where the voxels of some slices lie."""
        n_z, n_y, n_x = self.shape_zyx
        indices = (
            np.arange(n_x).reshape(1, 1, -1),
            np.arange(n_y).reshape(1, -1, 1),
            np.arange(*slices.indices(n_z)).reshape(-1, 1, 1),
        )
        x, y, z = (_weighted_sum(row[:3], indices, row[3]) for row in self.affine_lps[:3])
        return Place(x, y, z, self.edge_mm)

    def to_grid_mm(self, points_lps_mm: Points) -> Points:
        """Grid millimetres of LPS points, (n, 3)."""
        return np.asarray((points_lps_mm - self.affine_lps[:3, 3]) @ self.direction)

    def box(self, low_mm: Points, high_mm: Points) -> tuple[slice, slice, slice] | None:
        """Voxels (z, y, x) between two corners in grid millimetres; None if there are none."""
        spacing = np.asarray(self.spec.spacing_mm)
        start = np.maximum(np.ceil(low_mm / spacing), 0).astype(int)
        stop = np.minimum(np.floor(high_mm / spacing) + 1, self.spec.size_xyz).astype(int)
        if (stop <= start).any():
            return None
        x, y, z = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
        return z, y, x


def _weighted_sum(weights: Points, indices: tuple[NDArray[np.int_], ...], offset: float) -> Field:
    """Offset plus the sum of weight times index; axes without weight are left out, so that the result stays small."""
    total: NDArray[np.float64] = np.full((1, 1, 1), offset)
    for weight, index in zip(weights, indices, strict=True):
        if weight:
            total = total + weight * index
    return total.astype(np.float32)
