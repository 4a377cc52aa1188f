"""Nodules of a DICOM RT Structure Set: an ROI each."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from nodulus.transforms.geometry import Points

from .nodule import MAX_DIAMETER_MM, Nodule
from .shapes import shape_of_contours


def nodules_of_rtstruct(dataset: Dataset) -> tuple[list[Nodule], list[str]]:
    """Return a nodule of each ROI with closed planar contours, and notes on those left out (organs, points)."""
    contours = {int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence", [])}
    series_of_frame = _series_of_frames(dataset)
    nodules, notes = [], []
    for roi in dataset.get("StructureSetROISequence", []):
        name = str(roi.get("ROIName", "")).strip() or str(roi.ROINumber)
        closed = _closed_contours(contours.get(int(roi.ROINumber), Dataset()))
        shape = shape_of_contours(closed) if closed else None
        if shape is None or not 0 < shape.diameter_mm <= MAX_DIAMETER_MM:
            got = "no closed planar contour" if shape is None else f"a diameter of {shape.diameter_mm:.0f} mm"
            notes.append(f"ROI {name!r} left out: {got}")
            continue
        frame_uid = str(roi.get("ReferencedFrameOfReferenceUID", "")) or None
        nodules.append(
            Nodule(
                name,
                shape.center_lps_mm,
                shape.diameter_mm,
                box_lps_mm=shape.box_lps_mm,
                series_uid=series_of_frame.get(frame_uid or ""),
                frame_of_reference_uid=frame_uid,
            )
        )
    return nodules, notes


def _closed_contours(roi_contour: Dataset) -> list[Points]:
    closed = []
    for contour in roi_contour.get("ContourSequence", []):
        points = np.asarray(contour.ContourData, dtype=np.float64).reshape(-1, 3)
        if contour.ContourGeometricType.startswith("CLOSED") and len(points) >= 3:
            closed.append(points)
    return closed


def _series_of_frames(dataset: Dataset) -> dict[str, str]:
    """Return the SeriesInstanceUID by frame of reference, where a frame names one series."""
    found = {}
    for frame in dataset.get("ReferencedFrameOfReferenceSequence", []):
        studies = frame.get("RTReferencedStudySequence", [])
        series = {str(s.SeriesInstanceUID) for study in studies for s in study.get("RTReferencedSeriesSequence", [])}
        if len(series) == 1:
            found[str(frame.FrameOfReferenceUID)] = series.pop()
    return found
