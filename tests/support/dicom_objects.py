"""A tiny oblique CT series, and SR, SEG and RTSTRUCT objects about it, written with highdicom and pydicom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.sr.coding import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

ROWS, COLUMNS, N_SLICES = 24, 30, 16
SPACING_MM = (0.8, 0.6, 1.5)  # between columns, between rows, between slices
ORIGIN_LPS_MM = np.array([-12.0, 30.0, -100.0])
_COS, _SIN = 0.8, 0.6
AXES_LPS = np.array([[_COS, -_SIN, 0.0], [_SIN, _COS, 0.0], [0.0, 0.0, 1.0]])

FINDING = CodedConcept("27925004", "SCT", "Nodule")
SOFTWARE = {"manufacturer": "nodulus tests", "manufacturer_model_name": "phantom", "device_serial_number": "1"}


def lps_of(index_xyz: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the LPS position (mm) of a voxel (column, row, slice)."""
    return np.asarray(ORIGIN_LPS_MM + AXES_LPS @ (np.asarray(index_xyz, dtype=np.float64) * SPACING_MM))


def ct_series() -> list[FileDataset]:
    """Return the slices of the series."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    return [_ct_slice(k, study, series, frame) for k in range(N_SLICES)]


def _ct_slice(k: int, study_uid: str, series_uid: str, frame_uid: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    ct.SOPClassUID = meta.MediaStorageSOPClassUID = CTImageStorage
    ct.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study_uid, series_uid, frame_uid
    ct.Modality, ct.SeriesNumber, ct.InstanceNumber = "CT", 1, k + 1
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"):
        setattr(ct, keyword, "")
    ct.StudyDate = ct.StudyTime = ct.ReferringPhysicianName = ct.PositionReferenceIndicator = ""
    ct.Rows, ct.Columns, ct.SamplesPerPixel, ct.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 16, 16, 15, 1
    ct.PixelSpacing, ct.SliceThickness = [SPACING_MM[1], SPACING_MM[0]], SPACING_MM[2]
    ct.ImageOrientationPatient = [*AXES_LPS[:, 0], *AXES_LPS[:, 1]]
    ct.ImagePositionPatient = [round(float(value), 6) for value in lps_of((0, 0, k))]
    ct.RescaleIntercept, ct.RescaleSlope = 0, 1
    ct.PixelData = np.zeros((ROWS, COLUMNS), dtype="<i2").tobytes()
    return ct


def write_seg(
    path: Path,
    ct: Sequence[Dataset],
    masks: Sequence[NDArray[np.bool_]],
    labels: Sequence[str],
    kind: str = "BINARY",
) -> Path:
    """Write a segmentation of masks (x, y, z), one a segment."""
    algorithm = hd.AlgorithmIdentificationSequence("test", codes.DCM.ArtificialIntelligence, "1")
    segments = [
        hd.seg.SegmentDescription(
            number,
            label,
            codes.SCT.MorphologicallyAbnormalStructure,
            FINDING,
            hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm,
        )
        for number, label in enumerate(labels, 1)
    ]
    pixels = np.stack([mask.transpose(2, 1, 0) for mask in masks], axis=-1)
    seg = hd.seg.Segmentation(
        source_images=list(ct),
        pixel_array=pixels.astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        software_versions="1",
        **SOFTWARE,
    )
    seg.save_as(path)
    return path


def write_sr(path: Path, ct: Sequence[Dataset], groups: Sequence[hd.sr.Template]) -> Path:
    """Write a TID 1500 report of measurement groups."""
    person = hd.sr.PersonObserverIdentifyingAttributes(name="A^B")
    context = hd.sr.ObserverContext(codes.DCM.Person, person)
    report = hd.sr.MeasurementReport(
        hd.sr.ObservationContext(observer_person_context=context),
        codes.LN.CTUnspecifiedBodyRegion if hasattr(codes.LN, "CTUnspecifiedBodyRegion") else FINDING,
        imaging_measurements=list(groups),
    )
    sr = hd.sr.Comprehensive3DSR(
        evidence=list(ct),
        content=report,
        series_instance_uid=generate_uid(),
        series_number=3,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="nodulus tests",
    )
    sr.save_as(path)
    return path


def measured(
    name: str, graphic: str, points_lps_mm: NDArray[np.float64], frame_uid: str, diameter: float | None
) -> hd.sr.Template:
    """Return a planar measurement group with one 3D region and perhaps a diameter in mm."""
    region = hd.sr.ImageRegion3D(graphic, points_lps_mm, frame_uid)
    tracking = hd.sr.TrackingIdentifier(uid=generate_uid(), identifier=name)
    diameters = [hd.sr.Measurement(codes.SCT.Diameter, diameter, codes.UCUM.Millimeter)] if diameter else None
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking, referenced_region=region, finding_type=FINDING, measurements=diameters
    )


def write_rtstruct(
    path: Path, ct: Dataset, rois: dict[str, list[NDArray[np.float64]]], kind: str = "CLOSED_PLANAR"
) -> Path:
    """Write a structure set of contours (n, 3), LPS mm, by ROI name."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    rt = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    rt.SOPClassUID = meta.MediaStorageSOPClassUID = RTStructureSetStorage
    rt.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    rt.Modality, rt.StudyInstanceUID, rt.SeriesInstanceUID = "RTSTRUCT", ct.StudyInstanceUID, generate_uid()
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = ct.SeriesInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = ct.FrameOfReferenceUID, [study]
    rt.ReferencedFrameOfReferenceSequence = [frame]
    rt.StructureSetROISequence = [_roi(n, name, ct.FrameOfReferenceUID) for n, name in enumerate(rois, 1)]
    rt.ROIContourSequence = [_contours(n, contours, kind) for n, contours in enumerate(rois.values(), 1)]
    rt.save_as(path, enforce_file_format=True)
    return path


def _roi(number: int, name: str, frame_uid: str) -> Dataset:
    roi = Dataset()
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame_uid
    return roi


def _contours(number: int, contours: Sequence[NDArray[np.float64]], kind: str) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber, item.ContourSequence = number, []
    for points in contours:
        contour = Dataset()
        contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
        contour.ContourData = [f"{value:.4f}" for value in points.ravel()]
        item.ContourSequence.append(contour)
    return item
