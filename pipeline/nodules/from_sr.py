"""Nodules of a DICOM Structured Report that follows TID 1500: the lesions of each measurement group."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from nodulus.transforms.problems import UsageError

from .dicom_fields import text
from .image_planes import planes_of_images
from .nodule import Nodule, diameter_problem
from .parts import parts_kept
from .roles import named_role
from .shapes import Shape
from .sr_content import (
    ct_series_of_evidence,
    group_finding,
    group_name,
    group_series,
    items_of,
    measured_diameter,
    measurement_groups,
    points_to_segmentation,
)
from .sr_regions import Planes, Region, image_of, is_region, region_of
from .sr_shapes import shapes_of_regions

# Reports that TID 1500 is written in: Enhanced, Comprehensive, Comprehensive 3D, Extensible.
_TID_1500_CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.88.{n}" for n in (22, 33, 34, 35))
# A drawn size and a measured one that differ by more are not of one thing, or one is in another unit.
_MAX_RATIO = 2.0


def nodules_of_sr(dataset: Dataset, scan: Path | None = None) -> tuple[list[Nodule], list[str]]:
    """Return the nodules of each measurement group that draws or marks one, and notes on what was left out.

    Args:
        dataset: the report.
        scan: the DICOM scan that it is about; what was drawn on its images (SCOORD) is turned to LPS by their headers.
    """
    if (sop_class := UID(text(dataset, "SOPClassUID"))) not in _TID_1500_CLASSES:
        raise UsageError(f"expected a report that follows TID 1500 (measurement groups), got a {sop_class.name}")
    groups = [list(items_of(group)) for group in measurement_groups(dataset)]
    if not groups:
        raise UsageError("expected the measurement groups of a TID 1500 report, got none")
    planes = _planes(groups, scan)
    series_uid = ct_series_of_evidence(dataset)
    nodules: list[Nodule] = []
    notes: list[str] = []
    for number, items in enumerate(groups, 1):
        name = group_name(items, number)
        try:
            found, said = _nodules(items, name, planes)
        except UsageError as error:
            notes.append(f"measurement group {name!r} left out: {error}")
            continue
        nodules += [part if part.series_uid else replace(part, series_uid=series_uid) for part in found]
        notes += [f"measurement group {name!r}: {note}" for note in said]
    return nodules, notes


def _planes(groups: list[list[Dataset]], scan: Path | None) -> Planes:
    drawn = [item for items in groups for item in items if text(item, "ValueType") == "SCOORD"]
    images = {image[0] for item in drawn if (image := _image_of(item)) is not None}
    return planes_of_images(scan, images) if scan is not None and images else {}


def _image_of(item: Dataset) -> tuple[str, int] | None:
    try:
        return image_of(item)
    except UsageError:
        return None  # said when the region itself is read


def _nodules(items: list[Dataset], name: str, planes: Planes) -> tuple[list[Nodule], list[str]]:
    """Return one group's nodules and notes; UsageError says why it has none."""
    if role := named_role(name) or named_role(group_finding(items)):
        raise UsageError(role)
    regions, notes = _regions(items, planes)
    measured_mm, said = measured_diameter(items)
    notes += said
    shapes, said = shapes_of_regions(regions, measured_mm)
    kept, specks = parts_kept(name, shapes) if any(part.box_lps_mm for part in shapes) else (_named(name, shapes), [])
    notes += [*said, *specks]
    if len(kept) == 1:
        kept, said = _sized(*kept[0], measured_mm)
        notes += said
    elif measured_mm and kept:
        notes.append(f"the measured {measured_mm:.1f} mm passed over: {len(kept)} parts")
    if problem := next((text for _, part in kept if (text := diameter_problem(part.diameter_mm))), None):
        raise UsageError(problem)
    if not kept:
        raise UsageError("; ".join(notes) or "no region")
    series_uid = group_series(items) or next((part.series_uid for part in regions if part.series_uid), None)
    frame_uid = regions[0].frame_of_reference_uid
    return [_nodule(part, shape, series_uid, frame_uid) for part, shape in kept], notes


def _nodule(name: str, shape: Shape, series_uid: str | None, frame_uid: str | None) -> Nodule:
    return Nodule(
        name,
        shape.center_lps_mm,
        shape.diameter_mm,
        box_lps_mm=shape.box_lps_mm,
        series_uid=series_uid,
        frame_of_reference_uid=frame_uid,
    )


def _regions(items: list[Dataset], planes: Planes) -> tuple[list[Region], list[str]]:
    """Return a group's regions, all of one frame of reference, and notes on those that cannot be placed."""
    drawn = [item for item in items if is_region(item)]
    if not drawn:
        if points_to_segmentation(items):
            raise UsageError("it points to a segmentation: give that file (DICOM SEG) instead")
        raise UsageError("no coordinates (SCOORD3D or SCOORD)")
    regions, problems = [], []
    for item in drawn:
        try:
            regions.append(region_of(item, planes))
        except UsageError as error:
            problems.append(str(error))
    if not regions:
        raise UsageError(problems[0])
    if len(frames := {region.frame_of_reference_uid for region in regions}) > 1:
        raise UsageError(f"expected one frame of reference, got {len(frames)}")
    return regions, [f"a region left out: {problem}" for problem in problems]


def _named(name: str, shapes: list[Shape]) -> list[tuple[str, Shape]]:
    return [(name if len(shapes) == 1 else f"{name}.{n}", shape) for n, shape in enumerate(shapes, 1)]


def _sized(name: str, shape: Shape, measured_mm: float | None) -> tuple[list[tuple[str, Shape]], list[str]]:
    """Return the shape with its measured diameter, unless what was drawn contradicts it."""
    if measured_mm is None:
        return [(name, shape)], []
    if not shape.diameter_mm / _MAX_RATIO <= measured_mm <= shape.diameter_mm * _MAX_RATIO:
        note = f"the measured {measured_mm:.1f} mm passed over: {shape.diameter_mm:.1f} mm were drawn"
        return [(name, shape)], [note]
    return [(name, replace(shape, diameter_mm=measured_mm))], []
