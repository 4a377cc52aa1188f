"""Nodules of a DICOM Structured Report that follows TID 1500: a measurement group each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

from .nodule import MAX_DIAMETER_MM, Nodule
from .shapes import Shape, ellipse_contour, shape_of_contours, shape_of_ellipsoid, triple_of

_MEASUREMENT_GROUP = "125007"
_TRACKING_IDENTIFIER = "112039"
_SOURCE_SERIES = "121232"
# Diameter, long axis, RECIST-like longest diameter: SNOMED CT, then the retired SRT codes, then RadLex.
_DIAMETERS = ("81827009", "M-02550", "103339001", "G-A185", "L-A185", "RID39009")
_CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}


def nodules_of_sr(dataset: Dataset) -> tuple[list[Nodule], list[str]]:
    """Return a nodule of each measurement group with SCOORD3D coordinates, and notes on the groups without."""
    series_uid = _only_ct_series(dataset)
    nodules, notes = [], []
    for number, group in enumerate(_groups(dataset), 1):
        items = list(_own_items(group))
        name = next((str(item.TextValue) for item in items if _code(item) == _TRACKING_IDENTIFIER), str(number))
        if any(item.ValueType == "SCOORD3D" for item in items):
            nodules.append(_nodule(items, name, series_uid))
        else:
            notes.append(f"measurement group {name!r} left out: no 3D coordinates (SCOORD3D)")
    return nodules, notes


def _nodule(items: list[Dataset], name: str, series_uid: str | None) -> Nodule:
    regions = [item for item in items if item.ValueType == "SCOORD3D"]
    frames = {str(region.ReferencedFrameOfReferenceUID) for region in regions}
    if len(frames) > 1:
        raise UsageError(f"measurement group {name!r}: expected one frame of reference, got {len(frames)}")
    shape = _shape(regions, _measured_diameter(items), name)
    return Nodule(
        name,
        shape.center_lps_mm,
        shape.diameter_mm,
        box_lps_mm=shape.box_lps_mm,
        series_uid=next((str(item.UID) for item in items if _code(item) == _SOURCE_SERIES), series_uid),
        frame_of_reference_uid=frames.pop(),
    )


def _shape(regions: list[Dataset], measured_mm: float | None, name: str) -> Shape:
    """Return the shape that a group's regions outline together; a measured diameter goes before a computed one."""
    shape = _outlined(regions)
    diameter_mm = measured_mm or shape.diameter_mm
    if not 0 < diameter_mm <= MAX_DIAMETER_MM:
        got = f"{diameter_mm:g} mm" if diameter_mm else "a point and no diameter among its measurements"
        raise UsageError(f"measurement group {name!r}: expected a diameter up to {MAX_DIAMETER_MM:g} mm, got {got}")
    return Shape(shape.center_lps_mm, diameter_mm, shape.box_lps_mm)


def _outlined(regions: list[Dataset]) -> Shape:
    """Return what the coordinates alone say; the diameter of a point is 0."""
    by_type = [(str(region.GraphicType), _points(region)) for region in regions]
    for kind, points in by_type:
        if kind == "ELLIPSOID":
            return shape_of_ellipsoid(points.mean(axis=0), (points[1::2] - points[0::2]) / 2)
    contours = [ellipse_contour(points) if kind == "ELLIPSE" else points for kind, points in by_type]
    closed = [contour for contour in contours if len(contour) >= 3]
    if closed:
        return shape_of_contours(closed)
    every = np.concatenate(contours)
    # Two points are the ends of a caliper.
    return Shape(triple_of(every.mean(axis=0)), float(np.linalg.norm(every[-1] - every[0])), None)


def _points(region: Dataset) -> Points:
    return np.asarray(region.GraphicData, dtype=np.float64).reshape(-1, 3)


def _measured_diameter(items: list[Dataset]) -> float | None:
    """Return the largest diameter (mm) among a group's measurements."""
    found = []
    for item in items:
        if item.ValueType == "NUM" and _code(item) in _DIAMETERS and item.get("MeasuredValueSequence"):
            measured = item.MeasuredValueSequence[0]
            unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
            if unit not in _MM_PER_UNIT:
                raise UsageError(f"expected a diameter in mm, got the unit {unit!r}")
            found.append(float(measured.NumericValue) * _MM_PER_UNIT[unit])
    return max(found, default=None)


def _groups(item: Dataset) -> Iterator[Dataset]:
    """Yield the measurement groups below a content item."""
    for child in item.get("ContentSequence", []):
        if _code(child) == _MEASUREMENT_GROUP:
            yield child
        else:
            yield from _groups(child)


def _own_items(item: Dataset) -> Iterator[Dataset]:
    """Yield the content items below a group, at any depth."""
    for child in item.get("ContentSequence", []):
        if "ValueType" in child:  # items by reference have none
            yield child
            yield from _own_items(child)


def _code(item: Dataset) -> str:
    """Return the code of a content item's concept name."""
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeValue) if names else ""


def _only_ct_series(dataset: Dataset) -> str | None:
    """Return the one CT series that the report's evidence names, where it names one."""
    found = set()
    for study in dataset.get("CurrentRequestedProcedureEvidenceSequence", []):
        for series in study.get("ReferencedSeriesSequence", []):
            if any(item.ReferencedSOPClassUID in _CT_CLASSES for item in series.get("ReferencedSOPSequence", [])):
                found.add(str(series.SeriesInstanceUID))
    return found.pop() if len(found) == 1 else None
