"""The regions that a measurement group draws, in LPS mm: in space (SCOORD3D), or on an image of the scan (SCOORD)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .dicom_fields import all_numbers, first_item, items, needed_uid, text, uid
from .image_planes import ImagePlane

# A freehand outline has hundreds of points.
_MAX_NUMBERS = 100_000

Planes = Mapping[tuple[str, int], ImagePlane]


@dataclass(frozen=True, eq=False)
class Region:
    """One region: its graphic type, its points (n, 3) in LPS mm, and what it was drawn on, where that is said."""

    kind: str
    points_lps_mm: Points
    frame_of_reference_uid: str | None
    series_uid: str | None = None


def is_region(item: Dataset) -> bool:
    """Return whether a content item draws something."""
    return text(item, "ValueType") in ("SCOORD", "SCOORD3D")


def image_of(item: Dataset) -> tuple[str, int] | None:
    """Return SOPInstanceUID and frame (from 1) of the image that a region was drawn on, None where it names none.

    Raises:
        UsageError: it names one, and not which.
    """
    for child in items(item, "ContentSequence"):
        if (reference := first_item(child, "ReferencedSOPSequence")) is not None:
            frames = all_numbers(reference, "ReferencedFrameNumber")
            return needed_uid(reference, "ReferencedSOPInstanceUID"), int(frames[0]) if len(frames) else 1
    return None


def region_of(item: Dataset, planes: Planes) -> Region:
    """Return the region of a content item.

    Raises:
        UsageError: its points are malformed, or the image that it was drawn on is not in the scan.
    """
    kind = text(item, "GraphicType").upper()
    if text(item, "ValueType") == "SCOORD3D":
        return Region(kind, _points(item, 3), uid(item, "ReferencedFrameOfReferenceUID"))
    image = image_of(item)
    if image is None:
        raise UsageError("it was drawn on an image (SCOORD) that it does not name")
    plane = planes.get(image)
    if plane is None:
        raise UsageError(f"it was drawn on an image that the scan does not hold, {image[0]}")
    points = _points(item, 2)
    if kind == "CIRCLE" and len(points) == 2:
        kind, points = "POLYGON", _circle(*points)
    return Region(kind, plane.lps_of(points), plane.frame_of_reference_uid or None, plane.series_uid or None)


def _circle(center: Points, edge: Points, n_points: int = 64) -> Points:
    """Return points (n, 2) on the circle of a centre and a point on it."""
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    return np.asarray(center + np.linalg.norm(edge - center) * np.stack([np.cos(angles), np.sin(angles)], axis=1))


def _points(item: Dataset, n_axes: int) -> Points:
    numbers = all_numbers(item, "GraphicData", _MAX_NUMBERS)
    if not len(numbers) or len(numbers) % n_axes:
        raise UsageError(f"expected points of {n_axes} finite numbers, got {len(numbers)} numbers")
    return numbers.reshape(-1, n_axes)
