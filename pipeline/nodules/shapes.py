"""Centre, diameter and box of an outlined nodule: contours, ellipses, ellipsoids, masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Affine, Points, Triple, apply_affine

from .nodule import BoxMm, box_of

# Contours of one slice were drawn in one plane: closer than any slice distance, further than rounding.
_SAME_PLANE_MM = 0.05


@dataclass(frozen=True)
class Shape:
    """What an outline says of a nodule: LPS centre (mm), diameter of the sphere of its volume (mm), LPS box (mm)."""

    center_lps_mm: Triple
    diameter_mm: float
    box_lps_mm: BoxMm | None


def shape_of_contours(contours_lps_mm: Sequence[Points]) -> Shape:
    """Return the shape within closed planar contours ((n, 3), LPS mm, at least three points), parallel to each other.

    Each area counts as thick as the slices are apart. One contour alone gives the diameter of the disc of its area.
    """
    areas = np.array([_area_vector(contour) for contour in contours_lps_mm])
    weights = np.linalg.norm(areas, axis=1)
    normal = areas[np.argmax(weights)] / weights.max()
    center = np.average([_centroid(contour) for contour in contours_lps_mm], axis=0, weights=weights)
    spacing_mm = _plane_distance(contours_lps_mm, normal)
    volume, area = float(weights.sum()) * spacing_mm, float(weights.sum())
    diameter = (6 * volume / math.pi) ** (1 / 3) if spacing_mm else 2 * math.sqrt(area / math.pi)
    points = np.concatenate(list(contours_lps_mm))
    half_slice = np.abs(normal) * spacing_mm / 2
    box = None if not spacing_mm else box_of([*points.min(axis=0) - half_slice, *points.max(axis=0) + half_slice])
    return Shape(triple_of(center), diameter, box)


def shape_of_ellipsoid(center_lps_mm: Points, half_axes_mm: Points) -> Shape:
    """Return the shape of an ellipsoid of three half axes (rows, LPS mm)."""
    reach = np.linalg.norm(half_axes_mm, axis=0)
    radii = np.linalg.norm(half_axes_mm, axis=1)
    box = box_of([*center_lps_mm - reach, *center_lps_mm + reach])
    return Shape(triple_of(center_lps_mm), 2 * float(np.prod(radii)) ** (1 / 3), box)


def shape_of_mask(mask: NDArray[np.bool_], affine_lps: Affine) -> Shape:
    """Return the shape of the voxels set in a mask (x, y, z) with a voxel-to-LPS affine (4x4, mm)."""
    voxels = np.argwhere(mask)
    volume = len(voxels) * abs(float(np.linalg.det(affine_lps[:3, :3])))
    faces = [(low - 0.5, high + 0.5) for low, high in zip(voxels.min(axis=0), voxels.max(axis=0), strict=True)]
    corners = apply_affine(affine_lps, list(product(*faces)))
    box = box_of([*corners.min(axis=0), *corners.max(axis=0)])
    return Shape(triple_of(apply_affine(affine_lps, voxels.mean(axis=0))), (6 * volume / math.pi) ** (1 / 3), box)


def ellipse_contour(ends_lps_mm: Points, n_points: int = 64) -> Points:
    """Return points (n, 3) on an ellipse given by the ends of its major, then of its minor axis (4, 3), LPS mm."""
    center = ends_lps_mm.mean(axis=0)
    major, minor = (ends_lps_mm[1] - ends_lps_mm[0]) / 2, (ends_lps_mm[3] - ends_lps_mm[2]) / 2
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)[:, None]
    return np.asarray(center + np.cos(angles) * major + np.sin(angles) * minor)


def triple_of(values: Points) -> Triple:
    """Return a point as three floats."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def _area_vector(contour: Points) -> Points:
    """Return the contour's normal, as long as its area (mm2)."""
    around = contour - contour[0]
    return np.asarray(np.cross(around, np.roll(around, -1, axis=0)).sum(axis=0) / 2)


def _centroid(contour: Points) -> Points:
    """Return the centre of the area within a contour, from the triangles that it makes with its first point."""
    first, second = contour - contour[0], np.roll(contour, -1, axis=0) - contour[0]
    normal = _area_vector(contour)
    weights = np.cross(first, second) @ normal
    if not weights.sum():
        return np.asarray(contour.mean(axis=0))
    return np.asarray(contour[0] + ((first + second) / 3 * weights[:, None]).sum(axis=0) / weights.sum())


def _plane_distance(contours: Sequence[Points], normal: Points) -> float:
    """Return the usual distance (mm) between the planes of the contours, 0 where there is one plane."""
    heights = np.sort([float(contour.mean(axis=0) @ normal) for contour in contours])
    steps = np.diff(heights)
    steps = steps[steps > _SAME_PLANE_MM]
    return float(np.median(steps)) if len(steps) else 0.0
