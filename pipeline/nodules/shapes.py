"""Centre, diameter and box of an outlined nodule: what every outline is turned into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nodulus.transforms.geometry import BoxCorners, Points, Triple

from .nodule import box_of


@dataclass(frozen=True)
class Shape:
    """What an outline says of a nodule: LPS centre (mm), diameter of the sphere of its volume (mm), LPS box (mm)."""

    center_lps_mm: Triple
    diameter_mm: float
    box_lps_mm: BoxCorners | None


def shape_of_ellipsoid(center_lps_mm: Points, half_axes_mm: Points) -> Shape:
    """Return the shape of an ellipsoid of three half axes (rows, LPS mm)."""
    reach = np.linalg.norm(half_axes_mm, axis=0)
    radii = np.linalg.norm(half_axes_mm, axis=1)
    box = box_of([*center_lps_mm - reach, *center_lps_mm + reach])
    return Shape(triple_of(center_lps_mm), 2 * float(np.prod(radii)) ** (1 / 3), box)


def ellipse_contour(ends_lps_mm: Points, n_points: int = 64) -> Points:
    """Return points (n, 3) on an ellipse given by the ends of its major, then of its minor axis (4, 3), LPS mm."""
    center = ends_lps_mm.mean(axis=0)
    major, minor = (ends_lps_mm[1] - ends_lps_mm[0]) / 2, (ends_lps_mm[3] - ends_lps_mm[2]) / 2
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)[:, None]
    return np.asarray(center + np.cos(angles) * major + np.sin(angles) * minor)


def box_of_points(points_lps_mm: Points) -> BoxCorners:
    """Return the box around points (n, 3), LPS mm."""
    return box_of([*points_lps_mm.min(axis=0), *points_lps_mm.max(axis=0)])


def triple_of(values: Points) -> Triple:
    """Return a point as three floats."""
    x, y, z = (float(value) for value in values)
    return x, y, z
