"""What a group's regions say together: outlines enclose, lines are calipers, points need a diameter beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .area import area_vector
from .outlines import Outline, parts_of_outlines
from .shapes import Shape, ellipse_contour, shape_of_ellipsoid, triple_of
from .sr_regions import Region

# Ends that meet within rounding close a polyline (PS3.3 C.18.6.1.2).
_CLOSED_MM = 0.01
# A freehand outline that was left open: its ends lie no further apart than those of a pentagon's last side.
_FREEHAND_POINTS, _FREEHAND_GAP = 5, 0.26
# How round (4 pi area / perimeter^2; a circle 1, a square 0.8) an outline is at least that leaves a gap: the long and
# the short axis in one line through their middle have 0.1. Where the gap is small, or none, only a line has no area.
_ROUND, _SMALL_GAP, _NO_AREA = 0.3, 0.05, 0.02
# So round are four points around a lesion.
_QUADRILATERAL = 0.6
# A diameter on screen is rounded and its ends are set by hand; points further apart are marks of two lesions.
_ONE_LESION = 1.25
_CALIPER_SHARE = 0.1


def shapes_of_regions(regions: Sequence[Region], measured_mm: float | None) -> tuple[list[Shape], list[str]]:
    """Return the shape of each lesion that a group's regions show, and notes on what says nothing of one.

    Ellipsoids go before outlines, those before lines, and those before points: each tells more than the next.

    Args:
        regions: of one group.
        measured_mm: the diameter among its measurements, which its points need.

    Raises:
        UsageError: the regions are points that cannot be one nodule, for want of a diameter or by their distance.
    """
    solids = [_ellipsoid(one) for one in regions if one.kind == "ELLIPSOID"]
    outlines, lines, points = _sorted_out(regions, measured_mm)
    shapes = _apart(solids)
    enclosed, notes = parts_of_outlines(outlines)
    for found in (enclosed, _lesions_of_lines(lines)):
        shapes += [one for one in found if not any(_is_at(one.center_lps_mm, other) for other in shapes)]
    if not shapes and len(points):
        return [_marked(np.array(points), measured_mm)], notes
    n_far = sum(not any(_is_at(point, shape) for shape in shapes) for point in points)
    return shapes, notes + ([f"{n_far} point(s) far from what was drawn passed over"] if n_far else [])


def _sorted_out(
    regions: Iterable[Region], measured_mm: float | None
) -> tuple[list[Outline], list[Points], list[Points]]:
    """Return outlines, lines (2, 3) and points (3,)."""
    outlines: list[Outline] = []
    lines: list[Points] = []
    points: list[Points] = []
    for region in regions:
        drawn = region.points_lps_mm
        if region.kind in ("POINT", "MULTIPOINT") or len(drawn) == 1:
            points += list(drawn)
        elif region.kind == "ELLIPSE" and len(drawn) == 4:
            outlines.append(Outline(ellipse_contour(drawn)))
        elif (region.kind == "POLYGON" and len(drawn) >= 3) or (region.kind == "POLYLINE" and _is_closed(drawn)):
            outlines.append(Outline(drawn))
        elif region.kind in ("POLYLINE", "POLYGON"):
            lines += _lines(drawn, measured_mm)
        elif region.kind != "ELLIPSOID":
            raise UsageError(f"expected a known graphic type with all its points, got {len(drawn)} of {region.kind!r}")
    return outlines, lines, points


def _is_closed(points: Points) -> bool:
    """Return whether a polyline is an outline: its ends meet, or nearly do after many points, and it holds an area."""
    gap = float(np.linalg.norm(points[-1] - points[0]))
    if gap <= _CLOSED_MM:
        return len(points) >= 4 and _roundness(points) > _NO_AREA
    length = float(_steps_mm(points).sum())
    if len(points) < _FREEHAND_POINTS or gap > _FREEHAND_GAP * length:
        return False
    return _roundness(points) > (_NO_AREA if gap <= _SMALL_GAP * length else _ROUND)


def _roundness(points: Points) -> float:
    """Return 4 pi area / perimeter^2 of an outline: 1 of a circle, 0 of a line there and back."""
    around_mm = float(_steps_mm(np.concatenate([points, points[:1]])).sum())
    return 4 * np.pi * float(np.linalg.norm(area_vector(points))) / around_mm**2 if around_mm else 0.0


def _steps_mm(points: Points) -> Points:
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=1))


def _lines(points: Points, measured_mm: float | None) -> list[Points]:
    """Return the calipers of an open polyline: of four points two that cross, else the two points furthest apart.

    Raises:
        UsageError: it joins calipers that lie apart, of two lesions perhaps.
    """
    if len(points) == 4 and _is_one_lesion(points[:2], points[2:]):
        return [points[:2], points[2:]]
    furthest = _furthest(points)
    if len(points) in (4, 6) and _are_joined_calipers(points, _length(furthest), measured_mm):
        raise UsageError(f"an open line of {len(points)} points that joins calipers: a group holds one lesion")
    return [furthest]


def _are_joined_calipers(points: Points, furthest_mm: float, measured_mm: float | None) -> bool:
    """Return whether points are pairs that lie apart: neither around a lesion, nor along one line through it."""
    if _roundness(points) >= _QUADRILATERAL:
        return False
    steps_mm = _steps_mm(points)
    calipers_mm, between_mm = steps_mm[0::2], steps_mm[1::2]
    is_one_of_them = (
        measured_mm is not None
        and furthest_mm > _ONE_LESION * measured_mm
        and bool((np.abs(calipers_mm - measured_mm) <= _CALIPER_SHARE * calipers_mm).any())
    )
    is_a_line = float(steps_mm.sum()) <= _ONE_LESION * furthest_mm
    return is_one_of_them or not is_a_line or float(between_mm.max()) > float(calipers_mm.max()) + _CLOSED_MM


def _furthest(points: Points) -> Points:
    """Return the two points (2, 3) furthest apart; of very many points those at the ends of the widest axis."""
    if len(points) > 1000:
        axis = int(np.argmax(np.ptp(points, axis=0)))
        return points[[int(points[:, axis].argmin()), int(points[:, axis].argmax())]]
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    return points[list(np.unravel_index(int(apart.argmax()), apart.shape))]


def _is_one_lesion(first: Points, second: Points) -> bool:
    """Return whether two calipers (2, 3) are a long and a short axis: the middle of one is near that of the other."""
    longest_mm = max(_length(first), _length(second))
    return float(np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))) <= longest_mm / 2


def _lesions_of_lines(lines: Sequence[Points]) -> list[Shape]:
    """Return the shape of each lesion that lines measure: the middle and the length of its longest one."""
    if not lines:
        return []
    near = np.array([[_is_one_lesion(one, other) for other in lines] for one in lines])
    n_groups, group_of = connected_components(near, directed=False)
    longest = [
        max((line for line, group in zip(lines, group_of, strict=True) if group == n), key=_length)
        for n in range(n_groups)
    ]
    return [Shape(triple_of(line.mean(axis=0)), _length(line), None) for line in longest]


def _marked(points: Points, measured_mm: float | None) -> Shape:
    """Return the shape of a lesion that points mark: its centre, its caliper's ends, or some of its outline."""
    if measured_mm is None:
        raise UsageError("a point and no diameter among its measurements")
    ends = _furthest(points)
    apart_mm = _length(ends)
    if apart_mm > _ONE_LESION * measured_mm:
        expected = f"expected the points of one lesion of {measured_mm:.1f} mm"
        raise UsageError(f"{expected}, got points {apart_mm:.1f} mm apart: a group holds one lesion")
    are_ends = abs(apart_mm - measured_mm) <= _CALIPER_SHARE * measured_mm
    return Shape(triple_of((ends if are_ends else points).mean(axis=0)), measured_mm, None)


def _ellipsoid(region: Region) -> Shape:
    points = region.points_lps_mm
    if len(points) != 6:
        raise UsageError(f"expected the six ends of an ellipsoid's axes, got {len(points)} points")
    return shape_of_ellipsoid(points.mean(axis=0), (points[1::2] - points[0::2]) / 2)


def _apart(solids: Sequence[Shape]) -> list[Shape]:
    """Return the solids, each place once."""
    kept: list[Shape] = []
    for one in solids:
        if not any(_is_at(one.center_lps_mm, other) for other in kept):
            kept.append(one)
    return kept


def _is_at(point: Sequence[float] | Points, shape: Shape) -> bool:
    """Return whether a point lies in a shape or beside it."""
    return float(np.linalg.norm(np.subtract(point, shape.center_lps_mm))) <= shape.diameter_mm


def _length(line: Points) -> float:
    return float(np.linalg.norm(line[1] - line[0]))
