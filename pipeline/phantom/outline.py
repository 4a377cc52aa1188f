"""Surfaces of known volume, and how much of each voxel lies inside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .grid import Field, PhantomGrid, Points
from .shapes import coverage

N_DIRECTIONS = 2000
MOST_SUBVOXELS = 9
FARTHEST_RELIEF = 1.7  # radii; bumps as high as the nodules' stay below


@dataclass(frozen=True)
class Outline:
    """A star-shaped surface: a sphere with bumps, of the same volume as the plain sphere.

    Attributes:
        radius_mm: Radius of the sphere with the same volume.
        bumps: Unit directions of the bumps, (n, 3).
        heights: Height of each bump, in radii before scaling.
        sharpness: How narrow a bump is.
    """

    radius_mm: float
    bumps: Points
    heights: Points
    sharpness: float

    @classmethod
    def sphere(cls, radius_mm: float) -> Outline:
        """A surface without bumps."""
        return cls(radius_mm, np.empty((0, 3)), np.empty(0), 1.0)

    def turned(self, rotation: Points) -> Outline:
        """The same surface, its directions multiplied by a 3x3 matrix from the right."""
        return replace(self, bumps=self.bumps @ rotation)

    def radius_at(self, directions: Field) -> Field:
        """Radius in millimetres along unit directions, (..., 3)."""
        return np.asarray(self._scale * self._relief(directions), dtype=np.float32)

    @cached_property
    def _scale(self) -> float:
        relief = self._relief(evenly_spread_directions(N_DIRECTIONS).astype(np.float32))
        return float(self.radius_mm / np.mean(relief.astype(np.float64) ** 3) ** (1 / 3))

    def _relief(self, directions: Field) -> Field:
        relief = np.ones(directions.shape[:-1], dtype=np.float32)
        for bump, height in zip(self.bumps.astype(np.float32), self.heights, strict=True):
            # The higher of two bumps, not their sum: lobes are round, and the notches between them narrow.
            lobe = 1 + np.float32(height) * np.exp(np.float32(self.sharpness) * (directions @ bump - 1))
            relief = np.maximum(relief, lobe)
        return relief


def evenly_spread_directions(n_directions: int) -> Points:
    """Unit vectors spread evenly over the sphere (Fibonacci's spiral), (n, 3)."""
    z = 1 - (2 * np.arange(n_directions) + 1) / n_directions
    turn = np.arange(n_directions) * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z * z)
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])


def voxels_near(grid: PhantomGrid, centre_mm: Points, outline: Outline) -> tuple[slice, slice, slice] | None:
    """The box of voxels, (z, y, x), that an outline may touch; None outside the grid."""
    reach = FARTHEST_RELIEF * outline.radius_mm + np.asarray(grid.spec.spacing_mm)
    return grid.box(centre_mm - reach, centre_mm + reach)


def share_inside(grid: PhantomGrid, box: tuple[slice, slice, slice], centre_mm: Points, outline: Outline) -> Field:
    """How much of each voxel of a box lies inside, 0 to 1, by looking at many points of each.

    Args:
        grid: The voxels' grid.
        box: Which voxels, (z, y, x).
        centre_mm: Where the outline is, in grid millimetres, as its directions are.
        outline: The surface.
    """
    spacing_zyx = grid.spec.spacing_mm[::-1]
    # Steps that are equal along all axes, and small beside both the voxel and the surface.
    step_mm = min(grid.edge_mm, outline.radius_mm) / 3
    counts = [min(int(np.ceil(spacing / step_mm)), MOST_SUBVOXELS) for spacing in spacing_zyx]
    z, y, x = (
        ((np.arange((part.stop - part.start) * count) + 0.5) / count - 0.5 + part.start) * spacing - middle
        for part, count, spacing, middle in zip(box, counts, spacing_zyx, centre_mm[::-1], strict=True)
    )
    offset = np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None]), axis=-1).astype(np.float32)
    distance = np.sqrt((offset * offset).sum(axis=-1))
    directions = offset / np.maximum(distance, np.float32(1e-3))[..., None]
    inside = coverage(distance - outline.radius_at(directions), step_mm)
    return _mean_of_blocks(inside, counts)


def _mean_of_blocks(values: Field, counts: list[int]) -> Field:
    """Mean over blocks of counts points along each axis."""
    for axis, count in enumerate(counts):
        shape = (*values.shape[:axis], -1, count, *values.shape[axis + 1 :])
        values = values.reshape(shape).mean(axis=axis + 1)
    return values
