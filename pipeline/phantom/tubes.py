"""Vessels, airways and other tubes, drawn piece by piece in small boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .grid import Field, PhantomGrid, Points
from .shapes import coverage

SMOOTH_STEP_MM = 6.0
LEAST_STRENGTH = 0.04  # fainter than this, a vessel is lost in the noise


@dataclass(frozen=True)
class Tube:
    """A line with a radius.

    Attributes:
        points_lps_mm: (n, 3).
        radii_mm: (n,).
    """

    points_lps_mm: Points
    radii_mm: Points

    @classmethod
    def through(cls, points_lps_mm: Sequence[Sequence[float]], radii_mm: Sequence[float]) -> Tube:
        """A smooth tube through a few points."""
        points, radii = np.asarray(points_lps_mm, dtype=np.float64), np.asarray(radii_mm, dtype=np.float64)
        knots = np.column_stack([points, radii])
        pieces = [_catmull_rom(knots, start) for start in range(len(points) - 1)]
        line = np.vstack([*pieces, np.append(points[-1], radii[-1])])
        return cls(line[:, :3], line[:, 3])

    def grown(self, by_mm: float) -> Tube:
        """The same tube, thicker."""
        return Tube(self.points_lps_mm, np.maximum(self.radii_mm + by_mm, 0.1))


def paint_tubes(
    hu: Field, grid: PhantomGrid, tubes: Sequence[Tube], value_hu: float, *, only_raise: bool = True
) -> None:
    """Paints tubes in place.

    Args:
        hu: Volume, (z, y, x).
        grid: Where its voxels lie.
        tubes: What to paint.
        value_hu: What fills them.
        only_raise: Leave voxels that are denser already, as for blood in the lung; False for air.
    """
    for tube in _in_sight(grid, tubes):
        _paint_tube(hu, grid, tube, value_hu, only_raise)


def _in_sight(grid: PhantomGrid, tubes: Sequence[Tube]) -> list[Tube]:
    """The tubes that come near the grid: for a small grid, few of thousands."""
    if not tubes:
        return []
    points_mm = grid.to_grid_mm(np.vstack([tube.points_lps_mm for tube in tubes]))
    first = np.cumsum([0, *(len(tube.points_lps_mm) for tube in tubes[:-1])])
    reach_mm = np.array([tube.radii_mm.max() for tube in tubes])[:, None] + 2 * grid.edge_mm
    end_mm = np.multiply(grid.spec.size_xyz, grid.spec.spacing_mm)
    is_near = np.maximum.reduceat(points_mm, first) + reach_mm > 0
    is_near &= np.minimum.reduceat(points_mm, first) - reach_mm < end_mm
    return [tubes[index] for index in np.flatnonzero(np.all(is_near, axis=1)).tolist()]


def _paint_tube(hu: Field, grid: PhantomGrid, tube: Tube, value_hu: float, only_raise: bool) -> None:
    points, edge = grid.to_grid_mm(tube.points_lps_mm), grid.edge_mm
    visible = np.maximum(tube.radii_mm, 0.5 * edge)
    strength = _strength(tube, visible, edge)
    reach = visible.max() + 0.5 * edge
    whole = grid.box(points.min(axis=0) - reach, points.max(axis=0) + reach)
    if whole is None or strength.max() < LEAST_STRENGTH:
        return
    share = np.zeros([part.stop - part.start for part in whole], dtype=np.float32)
    for start in range(len(points) - 1):
        ends, radii = points[start : start + 2], visible[start : start + 2]
        box = grid.box(ends.min(axis=0) - reach, ends.max(axis=0) + reach)
        if box is not None:
            near = tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, whole, strict=True))
            piece = float(strength[start : start + 2].mean()) * coverage(_distance_mm(grid, box, ends, radii), edge)
            # The larger of two pieces, not both: painted twice, a joint would bulge.
            share[near] = np.maximum(share[near], piece)
    change = np.float32(value_hu) - hu[whole]
    hu[whole] += share * (np.maximum(change, 0) if only_raise else change)


def _strength(tube: Tube, visible_mm: Points, edge_mm: float) -> Points:
    """How faint each point of a tube is: one thinner than a voxel is drawn as wide as one, but holds no more blood.

    A line of no width spreads into a cone of a voxel's radius, a third of the cylinder, and so do its two ends.
    """
    filled = (tube.radii_mm / visible_mm) ** 2
    length_mm = float(np.linalg.norm(np.diff(tube.points_lps_mm, axis=0), axis=1).sum())
    spread = 0.75 * length_mm / (length_mm + edge_mm)
    return np.asarray(filled * (filled + (1 - filled) * spread))


def _distance_mm(grid: PhantomGrid, box: tuple[slice, slice, slice], ends: Points, radii: Points) -> Field:
    """Distance from a round cone between two ends, (z, y, x)."""
    z, y, x = (
        (np.arange(part.start, part.stop) * spacing - first).astype(np.float32).reshape(shape)
        for part, spacing, first, shape in zip(
            box, grid.spec.spacing_mm[::-1], ends[0, ::-1], ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True
        )
    )
    along_x, along_y, along_z = (ends[1] - ends[0]).tolist()
    length_2 = max(along_x**2 + along_y**2 + along_z**2, 1e-6)
    at = np.clip(x * (along_x / length_2) + y * (along_y / length_2) + z * (along_z / length_2), 0, 1)
    off_2 = (x - at * along_x) ** 2 + (y - at * along_y) ** 2 + (z - at * along_z) ** 2
    return np.asarray(np.sqrt(off_2) - (radii[0] + at * float(radii[1] - radii[0])), dtype=np.float32)


def _catmull_rom(line: Points, start: int) -> Points:
    """Points of the smooth curve from one point of a line to the next, the last left out."""
    before, first, second, after = line[np.clip([start - 1, start, start + 1, start + 2], 0, len(line) - 1)]
    n_steps = max(1, int(np.linalg.norm(second[:3] - first[:3]) / SMOOTH_STEP_MM))
    t = np.arange(n_steps)[:, None] / n_steps
    linear, square = second - before, 2 * before - 5 * first + 4 * second - after
    cube = 3 * first - before - 3 * second + after
    return np.asarray(first + 0.5 * t * (linear + t * (square + t * cube)))
