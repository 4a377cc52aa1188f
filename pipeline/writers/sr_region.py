"""Where a nodule is, as a report draws it: a circle on its central slice, which viewers show in its place."""

from __future__ import annotations

import math

import highdicom as hd
import numpy as np

from nodulus.transforms.geometry import Grid, Points, Triple
from nodulus.transforms.volume import SourceImage

from .dicom_origin import DicomOrigin

# Pixels are square where their sides differ by less: a circle of 30 mm is then off by 0.015 mm.
_SQUARE_WITHIN = 0.0005


def region_on_slice(origin: DicomOrigin, grid: Grid, center_lps_mm: Triple, diameter_mm: float) -> hd.sr.ImageRegion:
    """Return a circle, or where pixels are not square an ellipse, that shows a ball on the slice nearest its centre.

    Points of an image are counted from the corner of its first pixel, whose centre is (0.5, 0.5) (PS3.3 C.18.6.1.1).
    The centre is projected onto the plane of the slice along its normal, whatever way the slices are stacked.
    """
    k = central_slice(grid, center_lps_mm)
    image = origin.slices[k]
    column, row = _on_image(image, grid, center_lps_mm) + 0.5
    across, down = (diameter_mm / 2 / spacing for spacing in grid.spacing_mm[:2])
    frames = None if image.frame_number is None else [image.frame_number]
    source = hd.sr.SourceImageForRegion(image.sop_class_uid, image.sop_instance_uid, frames)
    if math.isclose(across, down, rel_tol=_SQUARE_WITHIN):
        is_inside = column + across <= grid.size_xyz[0]
        edge = column + across if is_inside else column - across
        return hd.sr.ImageRegion("CIRCLE", np.array([(column, row), (edge, row)]), source)
    ends = [[(column - across, row), (column + across, row)], [(column, row - down), (column, row + down)]]
    longest_first = ends if across >= down else ends[::-1]
    return hd.sr.ImageRegion("ELLIPSE", np.array([*longest_first[0], *longest_first[1]]), source)


def region_in_space(origin: DicomOrigin, grid: Grid, center_lps_mm: Triple, diameter_mm: float) -> hd.sr.ImageRegion3D:
    """Return a circle through the middle of a ball that lies on no slice, parallel to them, as the ends of two axes.

    A point and a diameter would say the same. OHIF 3.13 asks to make its own measurements of a report with points in
    space, and then shows none of its other marks.
    """
    halves = grid.direction_lps[:, :2].T * diameter_mm / 2
    ends = [np.add(center_lps_mm, sign * half) for half in halves for sign in (-1, 1)]
    return hd.sr.ImageRegion3D("ELLIPSE", np.array(ends), origin.frame_of_reference_uid)


def central_slice(grid: Grid, center_lps_mm: Triple) -> int:
    """Return the index of the slice whose plane is nearest to a point, the last or first one beyond the ends."""
    k = float(grid.voxel_from_lps(center_lps_mm)[2])
    return int(np.clip(np.rint(k), 0, grid.size_xyz[2] - 1))


def _on_image(image: SourceImage, grid: Grid, point_lps_mm: Triple) -> Points:
    """Return column and row of a point's foot on a slice, as fractional indices."""
    offset_mm = np.subtract(point_lps_mm, image.position_lps_mm)
    return np.asarray(offset_mm @ grid.direction_lps[:, :2] / np.asarray(grid.spacing_mm[:2]))
