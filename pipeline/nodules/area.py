"""Areas within outlines of one plane: filled on a grid, and combined as drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Points

Mask = NDArray[np.bool_]

# Two outlines this much alike, or nowhere further apart than a hand draws twice, are one that was drawn twice:
# no cavity has so thin a wall.
_SAME_SHARE = 0.9
_SAME_WALL_MM = 0.5
# An outline with less than this of it outside of another lies in it: a hole.
_INSIDE_SHARE = 0.95
# Bounds the memory of a fill: crossings are counted edge by edge.
_EDGES_AT_ONCE = 4096


def area_vector(points_lps_mm: Points) -> Points:
    """Return an outline's normal, as long as its area (mm2)."""
    around = points_lps_mm - points_lps_mm[0]
    return np.asarray(np.cross(around, np.roll(around, -1, axis=0)).sum(axis=0) / 2)


def filled(points: Points, shape: Sequence[int]) -> Mask:
    """Return which pixels (u, v) have their centre within an outline (n, 2) in pixels.

    A point within counts an odd number of edges on its way out, so that an outline which leads to an inner ring by a
    keyhole leaves the ring's inside out. One that goes round twice has no such points, and is filled.

    >>> filled(np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 1.5], [0.5, 1.5]]), (4, 4)).nonzero()
    (array([1, 2]), array([1, 1]))
    """
    crossings = np.zeros((shape[0], shape[1] + 1), dtype=np.int32)
    windings = np.zeros_like(crossings)
    ends = np.roll(points, -1, axis=0)
    for start in range(0, len(points), _EDGES_AT_ONCE):
        here = slice(start, start + _EDGES_AT_ONCE)
        _count_crossings(points[here], ends[here], crossings, windings)
    odd = np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1
    return np.asarray(odd if odd.any() else np.cumsum(windings, axis=1)[:, :-1] != 0)


def _count_crossings(first: Points, last: Points, crossings: NDArray[np.int32], windings: NDArray[np.int32]) -> None:
    """Add the edges that cross each line of pixels, at the first pixel beyond the crossing."""
    low, high = np.minimum(first[:, 0], last[:, 0]), np.maximum(first[:, 0], last[:, 0])
    starts = np.clip(np.ceil(low), 0, len(crossings)).astype(int)
    counts = np.clip(np.ceil(high), 0, len(crossings)).astype(int) - starts
    edge = np.repeat(np.arange(len(first)), counts)
    line = starts[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    a, b = first[edge], last[edge]
    at = a[:, 1] + (line - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    pixel = np.clip(np.ceil(at), 0, crossings.shape[1] - 1).astype(int)
    np.add.at(crossings, (line, pixel), 1)
    np.add.at(windings, (line, pixel), np.where(b[:, 0] > a[:, 0], 1, -1))


def combined(areas: Sequence[tuple[Mask, bool]], pixel_mm: float) -> Mask:
    """Return the area that outlines of one plane make together, each with whether it is combined by exclusive or.

    One drawn twice counts once; one inside of another is a hole in it, and one inside of a hole an island; others
    are added, or where they say so combined by exclusive or.
    """
    taken: list[Mask] = []
    region = np.zeros_like(areas[0][0])
    for area, is_xor in sorted(areas, key=lambda one: -int(one[0].sum())):
        if not area.any() or any(_is_same(area, other, pixel_mm) for other in taken):
            continue
        taken.append(area)
        is_hole = (area & region).sum() >= _INSIDE_SHARE * area.sum()
        region = region ^ area if is_xor or is_hole else region | area
    return region


def _is_same(area: Mask, other: Mask, pixel_mm: float) -> bool:
    n_both = int((area & other).sum())
    if n_both >= _SAME_SHARE * int((area | other).sum()):
        return True
    if 2 * n_both < int(area.sum()):
        return False
    from scipy import ndimage  # loaded late, as who reads a table does without

    wall = np.pad(area ^ other, 1)
    return float(ndimage.distance_transform_edt(wall).max()) * pixel_mm * 2 <= _SAME_WALL_MM
