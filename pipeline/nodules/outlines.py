"""Areas within closed planar outlines: filled, combined plane by plane, and parted where they do not connect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .area import area_vector, combined, filled
from .nodule import MAX_DIAMETER_MM
from .plane_stack import GAP_STEPS, PlaneStack, parts_of, row_thickness, rows_with_gaps, same_planes, usual_step
from .shapes import Shape, triple_of

# Outlines of one stack lie in parallel planes; rounding and hand-drawn points tilt them by less.
_PARALLEL_COSINE = math.cos(math.radians(10))
# The finest grid that a stack of outlines is filled on: 1/256 of its extent, so that an area is right within 1 %.
_PIXELS_A_SIDE = 256
# A nodule of 100 mm in slices of 0.5 mm has 200; thousands are a body, organ by organ.
_MAX_OUTLINES = 4000
# Of one plane each is compared with each.
_MAX_OUTLINES_A_PLANE = 100


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed planar outline: points (n, 3), LPS mm; whether it is to be combined by exclusive or."""

    points_lps_mm: Points
    is_xor: bool = False


@dataclass(frozen=True, eq=False)
class _Flat:
    """An outline in the coordinates of its plane: (n, 2) in mm, and which plane."""

    points_mm: Points
    plane: int
    is_xor: bool


def parts_of_outlines(outlines: Sequence[Outline]) -> tuple[list[Shape], list[str]]:
    """Return the shape of each connected part within the outlines, and notes on outlines left out.

    Each area counts as thick as the slices are apart. A part of one plane gives the diameter of its area's disc.

    Raises:
        UsageError: there are more outlines than any nodule has.
    """
    if len(outlines) > _MAX_OUTLINES:
        raise UsageError(f"expected at most {_MAX_OUTLINES} outlines of a nodule, got {len(outlines)}")
    vectors = np.array([area_vector(outline.points_lps_mm) for outline in outlines]).reshape(-1, 3)
    areas = np.linalg.norm(vectors, axis=1)
    if not areas.any():
        return [], ["no outline holds an area"] if len(outlines) else []
    normal = vectors[np.argmax(areas)] / areas.max()
    # An area vector is none for a figure of eight, whose halves cancel: where it is small, the points decide.
    is_kept = np.array([_lies_flat(outline.points_lps_mm, normal) for outline in outlines])
    why = "not parallel to the others" if is_kept.any() else "its points lie in no plane"
    notes = [] if is_kept.all() else [f"{int((~is_kept).sum())} outline(s) left out: {why}"]
    kept = [outline for outline, keep in zip(outlines, is_kept, strict=True) if keep]
    return _parts(kept, normal) if kept else [], notes


def _lies_flat(points: Points, normal: Points) -> bool:
    heights = points @ normal
    extent = float(np.ptp(points, axis=0).max())
    return float(np.ptp(heights)) <= max(extent * math.sqrt(1 - _PARALLEL_COSINE**2), 0.2)


def _parts(outlines: Sequence[Outline], normal: Points) -> list[Shape]:
    axes = _axes_of(normal)
    heights, plane_of = same_planes(np.array([(outline.points_lps_mm @ normal).mean() for outline in outlines]))
    step_mm = usual_step(heights)
    flat = [
        _Flat(outline.points_lps_mm @ axes.T, int(plane), outline.is_xor)
        for outline, plane in zip(outlines, plane_of, strict=True)
    ]
    shapes = []
    for group in _touching(flat, heights, step_mm):
        points = np.concatenate([outline.points_mm for outline in group])
        high = heights[[outline.plane for outline in group]]
        if max(*np.ptp(points, axis=0), np.ptp(high)) > 2 * MAX_DIAMETER_MM:
            shapes.append(_organ(group, high, axes, normal))
        else:
            shapes += parts_of(_stack(group, heights, step_mm, axes, normal))
    return shapes


def _axes_of(normal: Points) -> Points:
    """Return two unit vectors (2, 3) across a normal."""
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])


def _touching(flat: Sequence[_Flat], heights: NDArray[np.float64], step_mm: float) -> list[list[_Flat]]:
    """Return the outlines in groups that may connect: their rectangles meet, at most one plane is passed over."""
    low = np.array([outline.points_mm.min(axis=0) for outline in flat])
    high = np.array([outline.points_mm.max(axis=0) for outline in flat])
    at = heights[[outline.plane for outline in flat]]
    near = np.abs(at[:, None] - at) <= max((GAP_STEPS + 1) * step_mm, 0.0)
    margin_mm = 2 * float((high - low).max()) / _PIXELS_A_SIDE
    for axis in range(2):
        near &= low[:, None, axis] <= high[None, :, axis] + margin_mm
        near &= low[None, :, axis] <= high[:, None, axis] + margin_mm
    # Loaded late: it takes longer than a table of nodules takes to read, and tables do without.
    from scipy.sparse.csgraph import connected_components

    n_groups, group_of = connected_components(near, directed=False)
    groups: list[list[_Flat]] = [[] for _ in range(n_groups)]
    for outline, group in zip(flat, group_of, strict=True):
        groups[group].append(outline)
    return groups


def _organ(group: Sequence[_Flat], high: NDArray[np.float64], axes: Points, normal: Points) -> Shape:
    """Return the shape of what is far too large for a nodule: its widest disc."""
    largest = max(group, key=lambda outline: float(np.ptp(outline.points_mm, axis=0).max()))
    x, y = largest.points_mm.T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    diameter_mm = max(2 * math.sqrt(area / math.pi), 2 * MAX_DIAMETER_MM)
    center = largest.points_mm.mean(axis=0) @ axes + high.mean() * normal
    return Shape(triple_of(center), diameter_mm, None)


def _stack(
    group: Sequence[_Flat], heights: NDArray[np.float64], step_mm: float, axes: Points, normal: Points
) -> PlaneStack:
    """Return the planes of a group, each filled on one grid and combined."""
    points = np.concatenate([outline.points_mm for outline in group])
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    pixel_mm = max(extent / _PIXELS_A_SIDE, 1e-6)
    shape = np.ceil(np.ptp(points, axis=0) / pixel_mm).astype(int) + 2
    planes = sorted({outline.plane for outline in group})
    here = heights[planes]
    step_mm = usual_step(here) or step_mm
    rows = rows_with_gaps(here, step_mm)
    masks = np.zeros((rows[-1] + 1, *shape), dtype=bool)
    row_heights = np.interp(np.arange(len(masks)), rows, here)
    for row, plane in zip(rows, planes, strict=True):
        of_plane = [outline for outline in group if outline.plane == plane]
        if len(of_plane) > _MAX_OUTLINES_A_PLANE:
            raise UsageError(f"expected at most {_MAX_OUTLINES_A_PLANE} outlines in a plane, got {len(of_plane)}")
        areas = [(filled((outline.points_mm - low) / pixel_mm, shape), outline.is_xor) for outline in of_plane]
        masks[row] = combined(areas, pixel_mm)
    _bridge(masks, row_heights, step_mm)
    thickness = row_thickness(row_heights, step_mm) if step_mm else np.ones(len(masks))
    origins = row_heights[:, None] * normal + low @ axes
    return PlaneStack(masks, origins, axes * pixel_mm, thickness, is_one_plane_flat=True)


def _bridge(masks: NDArray[np.bool_], heights: NDArray[np.float64], step_mm: float) -> None:
    """Fill each row that stands for one plane nobody outlined, where the outlines on both sides show the same."""
    for row in range(1, len(masks) - 1):
        below, above = masks[row - 1], masks[row + 1]
        is_one_plane = heights[row + 1] - heights[row - 1] <= (GAP_STEPS + 1) * step_mm
        if masks[row].any() or not is_one_plane:
            continue
        both = below & above
        if 2 * both.sum() >= min(below.sum(), above.sum()) > 0:
            masks[row] = both
