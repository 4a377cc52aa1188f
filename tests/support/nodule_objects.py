"""Nodule sources about the tiny oblique series: balls of known place and size, drawn in every way that is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from .dicom_objects import AXES_LPS, COLUMNS, N_SLICES, ROWS, SPACING_MM, lps_of, write_rtstruct

Points = NDArray[np.float64]
COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
# Two lesions that share slices and touch nowhere: voxel of the centre, diameter in mm.
BIG, SMALL = ((9.0, 8.0, 7.0), 8.0), ((22.0, 17.0, 7.0), 6.0)
DIAMETER, LENGTH = ("81827009", "SCT", "Diameter"), ("410668003", "SCT", "Length")
LONG_AXIS, SHORT_AXIS = ("103339001", "SCT", "Long axis"), ("103340004", "SCT", "Short axis")


def ball_mask(ball: tuple[tuple[float, ...], float]) -> NDArray[np.bool_]:
    """Return the voxels (x, y, z) of a ball."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (COLUMNS, ROWS, N_SLICES)], indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm((index - ball[0]) * SPACING_MM, axis=-1) <= ball[1] / 2)


def ring(center_lps_mm: Points, radius_mm: float, n_points: int = 48, start: float = 0.0) -> Points:
    """Return points on a circle in the slices' plane."""
    angles = start + np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    return np.asarray(
        center_lps_mm
        + radius_mm * (np.outer(np.cos(angles), AXES_LPS[:, 0]) + np.outer(np.sin(angles), AXES_LPS[:, 1]))
    )


def ball_rings(ball: tuple[tuple[float, ...], float], shrink: float = 1.0) -> list[Points]:
    """Return a contour of each slice through a ball."""
    center, diameter_mm = lps_of(ball[0]), ball[1] * shrink
    heights = np.arange(-N_SLICES, N_SLICES + 1) * SPACING_MM[2]
    return [
        ring(center + np.array([0, 0, height]), float(np.sqrt(diameter_mm**2 / 4 - height**2)))
        for height in heights
        if diameter_mm**2 / 4 - height**2 > 0.2
    ]


def write_rois(
    path: Path,
    ct: Dataset,
    rois: dict[str, list[Points]],
    types: Mapping[str, str] | None = None,
    kind: str = "CLOSED_PLANAR",
    extra: Sequence[object] = (),
) -> Path:
    """Write a structure set with ROI types; ``extra`` are data of further, malformed contours of the first ROI."""
    rt = pydicom.dcmread(write_rtstruct(path, ct, rois, kind))
    rt.RTROIObservationsSequence = []
    for number, name in enumerate(rois, 1):
        observation = Dataset()
        observation.ObservationNumber = observation.ReferencedROINumber = number
        observation.RTROIInterpretedType = (types or {}).get(name, "GTV")
        rt.RTROIObservationsSequence.append(observation)
    for data in extra:
        contour = Dataset()
        contour.ContourGeometricType, contour.ContourData = kind, data
        rt.ROIContourSequence[0].ContourSequence.append(contour)
    rt.save_as(path)
    return path


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def item(value_type: str, name: tuple[str, str, str] | None = None, **attributes: object) -> Dataset:
    """Return a content item."""
    content = Dataset()
    content.RelationshipType, content.ValueType = "CONTAINS", value_type
    if name:
        content.ConceptNameCodeSequence = [coded(*name)]
    for keyword, value in attributes.items():
        setattr(content, keyword, value)
    return content


def measured_mm(name: tuple[str, str, str], value: float, unit: str = "mm") -> Dataset:
    measured = Dataset()
    measured.NumericValue = f"{value:.4f}"
    measured.MeasurementUnitsCodeSequence = [coded(unit, "UCUM", unit)]
    return item("NUM", name, MeasuredValueSequence=[measured])


def drawn_in_space(kind: str, points_lps_mm: object, frame_uid: str) -> Dataset:
    data = [float(value) for value in np.ravel(np.asarray(points_lps_mm))]
    return item("SCOORD3D", GraphicType=kind, GraphicData=data, ReferencedFrameOfReferenceUID=frame_uid)


def drawn_on_image(kind: str, columns_rows: object, image: Dataset) -> Dataset:
    """Return a region in an image's own coordinates: the upper left corner of its first pixel is (0, 0)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    data = [float(value) for value in np.ravel(np.asarray(columns_rows))]
    selected = item("IMAGE", ReferencedSOPSequence=[reference])
    return item("SCOORD", GraphicType=kind, GraphicData=data, ContentSequence=[selected])


def group(name: str, *items: Dataset) -> Dataset:
    tracking = item("TEXT", ("112039", "DCM", "Tracking Identifier"), TextValue=name)
    return item("CONTAINER", ("125007", "DCM", "Measurement Group"), ContentSequence=[tracking, *items])


def write_report(path: Path, ct: Dataset, groups: Sequence[Dataset], sop_class: str = COMPREHENSIVE_3D_SR) -> Path:
    """Write a report of measurement groups as loosely as some viewers do."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    sr = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    sr.SOPClassUID = meta.MediaStorageSOPClassUID = UID(sop_class)
    sr.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    sr.Modality, sr.StudyInstanceUID, sr.SeriesInstanceUID = "SR", ct.StudyInstanceUID, generate_uid()
    sr.ValueType, sr.ContentSequence = "CONTAINER", list(groups)
    sr.save_as(path, enforce_file_format=True)
    return path
