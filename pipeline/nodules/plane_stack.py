"""Masks of parallel planes, each where it stands, and the connected parts in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .shapes import Shape, box_of_points, triple_of

# Two positions of one plane are rounded apart by less; no two slices of a chest CT are as close.
SAME_PLANE_MM = 0.1
# Further apart than any slices that show a nodule: planes at such a distance are no neighbours.
MAX_STEP_MM = 10.0
# A step longer than this many usual ones passes over a plane. Slices jitter by less than half a step.
GAP_STEPS = 1.5
# Bounds the memory: 512 x 512 x 1024 voxels, one byte each and two for their labels.
MAX_VOXELS = 1 << 28


@dataclass(frozen=True, eq=False)
class PlaneStack:
    """Masks of parallel planes in the order of their positions; empty rows stand where planes are missing.

    Args:
        masks: (rows, u, v).
        origins_lps_mm: (rows, 3), of each row's pixel (0, 0).
        steps_lps_mm: (2, 3), from one pixel to the next along u and v.
        thickness_mm: (rows,), how much of the normal each row stands for.
        is_one_plane_flat: whether a part in one plane alone is a disc: its diameter is that of its area, without a box.
    """

    masks: NDArray[np.bool_]
    origins_lps_mm: Points
    steps_lps_mm: Points
    thickness_mm: NDArray[np.float64]
    is_one_plane_flat: bool = False

    @property
    def normal(self) -> Points:
        """Unit normal of the planes, LPS."""
        across = np.cross(*self.steps_lps_mm)
        return np.asarray(across / np.linalg.norm(across))


def usual_step(heights_mm: NDArray[np.float64], stated_mm: float | None = None) -> float:
    """Return the usual distance (mm) of neighbouring planes from their ascending positions.

    What is stated counts only where the positions tell nothing: of one plane, or of planes too far apart.

    Args:
        heights_mm: ascending, no two of one plane.
        stated_mm: a slice thickness.
    """
    stated = stated_mm if stated_mm and 0 < stated_mm <= MAX_STEP_MM else None
    steps = np.diff(heights_mm)
    steps = steps[steps <= MAX_STEP_MM]
    if not len(steps):
        return stated or 0.0
    if len(steps) == 1 and stated is not None and steps[0] > GAP_STEPS * stated:
        return stated
    # Most steps are the usual one; a longer one passes over planes, a shorter one is a stray plane.
    return float(np.quantile(steps, 0.25, method="lower"))


def same_planes(heights_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the ascending positions of the planes (mm), and of each height given which plane it is."""
    order = np.argsort(heights_mm, kind="stable")
    is_new = np.diff(heights_mm[order], prepend=-np.inf) > SAME_PLANE_MM
    plane_of = np.empty(len(heights_mm), dtype=np.intp)
    plane_of[order] = np.cumsum(is_new) - 1
    return heights_mm[order][is_new], plane_of


def rows_with_gaps(heights_mm: NDArray[np.float64], step_mm: float) -> NDArray[np.intp]:
    """Return each plane's row in a stack that has an empty row wherever planes are missing."""
    is_gap = np.diff(heights_mm) > GAP_STEPS * step_mm
    return np.asarray(np.arange(len(heights_mm)) + np.concatenate([[0], np.cumsum(is_gap)]))


def row_thickness(heights_mm: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """Return how much of the normal each plane stands for (mm): half the way to both neighbours, where it has them."""
    steps = np.diff(heights_mm)
    steps = np.where(steps > GAP_STEPS * step_mm, step_mm, steps)
    return np.asarray((np.concatenate([[step_mm], steps]) + np.concatenate([steps, [step_mm]])) / 2)


def check_size(shape: Sequence[int]) -> None:
    """Raise UsageError for a stack that would take too much memory."""
    if math.prod(shape) > MAX_VOXELS:
        raise UsageError(f"expected at most {MAX_VOXELS} voxels between its ends, got {math.prod(shape)}")


def parts_of(stack: PlaneStack) -> list[Shape]:
    """Return the shape of each connected part of a stack; voxels that share a face, an edge or a corner connect.

    Raises:
        UsageError: there are more parts than any segmentation of nodules has.
    """
    from scipy import ndimage  # loaded late, as who reads a table does without

    try:
        labelled, _ = ndimage.label(stack.masks, structure=np.ones((3, 3, 3)), output=np.uint16)
    except RuntimeError as error:  # more parts than the labels' type holds
        raise UsageError("expected the parts of a segmentation, got more than 65535: noise") from error
    return [
        _shape(stack, labelled[where] == number, tuple(extent.start for extent in where))
        for number, where in enumerate(ndimage.find_objects(labelled), 1)
    ]


def _shape(stack: PlaneStack, mask: NDArray[np.bool_], low: Sequence[int]) -> Shape:
    """Return the shape of one part, which begins at (row, u, v) ``low``."""
    rows = slice(low[0], low[0] + len(mask))
    pixel_mm2 = float(np.linalg.norm(np.cross(*stack.steps_lps_mm)))
    areas_mm2 = mask.sum(axis=(1, 2)) * pixel_mm2
    volumes_mm3 = areas_mm2 * stack.thickness_mm[rows]
    centers = stack.origins_lps_mm[rows] + _centers(mask, low) @ stack.steps_lps_mm
    center = np.average(centers, axis=0, weights=volumes_mm3)
    if len(mask) == 1 and stack.is_one_plane_flat:
        return Shape(triple_of(center), 2 * math.sqrt(float(areas_mm2.sum()) / math.pi), None)
    diameter_mm = (6 * float(volumes_mm3.sum()) / math.pi) ** (1 / 3)
    return Shape(triple_of(center), diameter_mm, box_of_points(_corners(stack, mask.shape, low)))


def _centers(mask: NDArray[np.bool_], low: Sequence[int]) -> Points:
    """Return the mean (u, v) of each row's pixels, (rows, 2)."""
    counts = np.maximum(mask.sum(axis=(1, 2)), 1)
    u = mask.sum(axis=2) @ np.arange(mask.shape[1]) / counts + low[1]
    v = mask.sum(axis=1) @ np.arange(mask.shape[2]) / counts + low[2]
    return np.stack([u, v], axis=1)


def _corners(stack: PlaneStack, shape: Sequence[int], low: Sequence[int]) -> Points:
    """Return the LPS corners (mm) of a part's outermost voxels."""
    corners = []
    for row, side in ((low[0], -1), (low[0] + shape[0] - 1, 1)):
        face = stack.origins_lps_mm[row] + side * stack.thickness_mm[row] / 2 * stack.normal
        for u in (low[1] - 0.5, low[1] + shape[1] - 0.5):
            for v in (low[2] - 0.5, low[2] + shape[2] - 0.5):
                corners.append(face + np.array([u, v]) @ stack.steps_lps_mm)
    return np.array(corners)
