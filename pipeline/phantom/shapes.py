"""Signed distances of simple shapes in millimetres, negative inside, and how they are painted."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from .grid import Field

TABLE_STEP_MM = 0.5


class Profile:
    """A smooth curve through a few heights: how a measure of the body changes along LPS z."""

    def __init__(self, *points: tuple[float, float]) -> None:
        z_mm, value = np.asarray(sorted(points), dtype=np.float64).T
        self._z_mm = np.arange(z_mm[0], z_mm[-1] + TABLE_STEP_MM, TABLE_STEP_MM)
        self._value = PchipInterpolator(z_mm, value)(np.minimum(self._z_mm, z_mm[-1]))
        self._slope = np.gradient(self._value, self._z_mm)

    def __call__(self, z_mm: Field) -> Field:
        """The measure at heights; beyond the ends it stays what it is there."""
        return np.asarray(np.interp(z_mm, self._z_mm, self._value), dtype=np.float32)

    def slope(self, z_mm: Field) -> Field:
        """Change of the measure per millimetre of height."""
        return np.asarray(np.interp(z_mm, self._z_mm, self._slope), dtype=np.float32)


def ellipse(x: Field, y: Field, a: Field | float, b: Field | float) -> Field:
    """Distance from an ellipse with half axes a and b: exact at the edge, approximate elsewhere."""
    x, y = x / a, y / b
    level = np.sqrt(x * x + y * y)
    x, y = x / a, y / b
    slope = np.sqrt(x * x + y * y)
    tiny = np.float32(1e-4)
    return np.asarray((level - 1) * (level + tiny) / (slope + tiny / np.minimum(a, b)), dtype=np.float32)


def ellipsoid(offset_mm: tuple[Field, Field, Field], half_axes_mm: tuple[float, float, float]) -> Field:
    """Distance from an ellipsoid: exact at the surface, approximate elsewhere."""
    scaled = [offset / half for offset, half in zip(offset_mm, half_axes_mm, strict=True)]
    level = np.sqrt(sum(part * part for part in scaled))
    slope = np.sqrt(sum((part / half) ** 2 for part, half in zip(scaled, half_axes_mm, strict=True)))
    tiny = np.float32(1e-4)
    return np.asarray((level - 1) * (level + tiny) / (slope + tiny / min(half_axes_mm)), dtype=np.float32)


def smooth_union(first: Field, second: Field, blend_mm: float) -> Field:
    """Distance from the union of two shapes whose meeting edge is rounded over blend_mm."""
    share = np.clip(0.5 + (second - first) * np.float32(0.5 / blend_mm), 0, 1)
    return np.asarray(second + share * (first - second) - blend_mm * share * (1 - share), dtype=np.float32)


def ramp(value: Field) -> Field:
    """0 below 0, 1 above 1, linear between."""
    return np.clip(value, 0, 1)


def coverage(distance_mm: Field, edge_mm: float) -> Field:
    """How much of a voxel a shape fills, 0 to 1."""
    return ramp(0.5 - distance_mm * np.float32(1 / edge_mm))


def paint(hu: Field, distance_mm: Field, value_hu: Field | float, edge_mm: float) -> None:
    """Puts a value where a shape is, in place, mixing at its edge as partial volume does."""
    hu += coverage(distance_mm, edge_mm) * (value_hu - hu)
