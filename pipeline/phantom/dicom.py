"""A phantom as a DICOM CT series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat

from nodulus.pipeline.files import replacing_folder

from .spec import Phantom

RESCALE_INTERCEPT_HU = -1024
# A date of its own for each run would make equal phantoms unequal; none at all keeps viewers from sorting them.
STUDY_DATE, STUDY_TIME = "20250101", "120000"
WHAT_IT_IS = "Synthetic chest CT phantom computed by nodulus; no patient, no scanner."


def write_dicom_series(phantom: Phantom, folder: Path) -> Path:
    """Writes one CT image a slice, explicit little endian, and returns the folder.

    The same phantom gives the same files, UIDs included.

    Args:
        phantom: What to write.
        folder: A new or empty folder.

    Raises:
        FileExistsError: the folder has files in it, which would be read as slices of the series.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"Expected an empty or new folder, got one with files in it: {folder}")
    with replacing_folder(folder) as partial:
        series = _series(phantom)
        for index in range(phantom.intensity_hu.shape[2]):
            image = _image(phantom, series, index)
            image.save_as(partial / f"IM{index + 1:04d}.dcm", enforce_file_format=True)
    return folder


def _uid(phantom: Phantom, *what: object) -> UID:
    return generate_uid(entropy_srcs=["nodulus phantom", repr(phantom.spec), *map(str, what)])


def _series(phantom: Phantom) -> Dataset:
    """The attributes that all slices share, for each module of the CT Image IOD (PS3.3 A.3.3)."""
    series = Dataset()
    _describe_patient_and_study(series, phantom)
    _describe_series_and_equipment(series, phantom)
    _describe_pixels(series, phantom)
    return series


def _describe_patient_and_study(series: Dataset, phantom: Phantom) -> None:
    series.PatientName = "PHANTOM^NODULUS"
    series.PatientID = "NODULUS-PHANTOM"
    series.PatientBirthDate = ""
    series.PatientSex = ""
    series.StudyInstanceUID = _uid(phantom, "study")
    series.StudyID = str(phantom.spec.seed)[:16]
    series.StudyDescription = "Synthetic chest phantom"
    series.StudyDate = series.SeriesDate = series.AcquisitionDate = series.ContentDate = STUDY_DATE
    series.StudyTime = series.SeriesTime = series.AcquisitionTime = series.ContentTime = STUDY_TIME
    series.ReferringPhysicianName = ""
    series.AccessionNumber = ""


def _describe_series_and_equipment(series: Dataset, phantom: Phantom) -> None:
    series.Modality = "CT"
    series.SeriesInstanceUID = _uid(phantom, "series")
    series.SeriesNumber = 1
    series.SeriesDescription = "Synthetic chest CT phantom"
    series.BodyPartExamined = "CHEST"
    series.PatientPosition = "HFS"
    series.FrameOfReferenceUID = _uid(phantom, "frame of reference")
    series.PositionReferenceIndicator = ""
    series.Manufacturer = "nodulus"
    series.ManufacturerModelName = "Synthetic chest phantom"
    series.ImageComments = WHAT_IT_IS
    series.QualityControlImage = "YES"  # PS3.3 C.7.6.1: "quality control or phantom image"
    series.BurnedInAnnotation = "NO"
    series.LossyImageCompression = "00"
    # Not derived from any other image, which is what DERIVED would say (PS3.3 C.7.6.1.1.2).
    series.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    series.KVP = None  # no tube
    series.AcquisitionNumber = 1


def _describe_pixels(series: Dataset, phantom: Phantom) -> None:
    n_columns, n_rows, _ = phantom.intensity_hu.shape
    column_mm, row_mm, slice_mm = phantom.spec.spacing_mm
    series.SOPClassUID = CTImageStorage
    series.SamplesPerPixel = 1
    series.PhotometricInterpretation = "MONOCHROME2"
    series.Rows, series.Columns = n_rows, n_columns
    series.BitsAllocated, series.BitsStored, series.HighBit, series.PixelRepresentation = 16, 12, 11, 0
    series.PixelSpacing = [_decimal(row_mm), _decimal(column_mm)]
    series.SliceThickness = _decimal(slice_mm)
    series.ImageOrientationPatient = [_decimal(cosine) for cosine in np.array(phantom.spec.direction_lps)[:, :2].T.flat]
    series.RescaleIntercept, series.RescaleSlope, series.RescaleType = RESCALE_INTERCEPT_HU, 1, "HU"
    series.WindowCenter, series.WindowWidth = [-600, 40], [1500, 400]
    series.WindowCenterWidthExplanation = ["LUNG", "MEDIASTINUM"]


def _image(phantom: Phantom, series: Dataset, index: int) -> FileDataset:
    """One slice, ready to save."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(phantom, "image", index)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    image.update(series)
    image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    image.InstanceNumber = index + 1
    position = (phantom.affine_lps @ (0, 0, index, 1))[:3]
    image.ImagePositionPatient = [_decimal(coordinate) for coordinate in position]
    stored = phantom.intensity_hu[:, :, index].T - RESCALE_INTERCEPT_HU  # rows first
    image.add_new("PixelData", "OW", stored.astype("<u2").tobytes())
    return image


def _decimal(value: float) -> DSfloat:
    """A decimal string: the digits that fit into DICOM's sixteen characters."""
    return DSfloat(float(value) + 0.0, auto_format=True)
