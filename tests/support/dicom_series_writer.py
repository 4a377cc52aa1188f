"""Writes small CT series of a function of world position, so that the right value of any voxel is known."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

Floats = NDArray[np.float64]
Edit = Callable[[Dataset], None]


def linear_hu(points_lps_mm: Floats) -> Floats:
    """Return a field that linear interpolation reproduces exactly, so steep that a small series shows air and fat."""
    return np.asarray(points_lps_mm @ np.array([10.0, -12.0, 50.0]) - 220.0)


@dataclass(frozen=True)
class SeriesSpec:
    """A series: its geometry, how it is stored, and what is wrong with it.

    ``positions`` are slice places in units of ``step_mm``; ``shear`` moves slices sideways, mm per mm along the normal.
    """

    columns: int = 14
    rows: int = 11
    spacing_rows_columns_mm: tuple[float, float] = (1.2, 0.8)
    step_mm: float = 2.0
    positions: tuple[float, ...] = tuple(range(9))
    origin_lps_mm: tuple[float, float, float] = (-6.0, -5.0, -8.0)
    row: tuple[float, float, float] = (1.0, 0.0, 0.0)
    column: tuple[float, float, float] = (0.0, 1.0, 0.0)
    shear: tuple[float, float] = (0.0, 0.0)
    slopes: tuple[float, ...] = (1.0,)
    intercepts: tuple[float, ...] = (-1024.0,)
    is_signed: bool = False
    bits_stored: int = 16
    thickness_mm: float | None = 2.0
    series_uid: str = "1.2.826.0.1.3680043.8.498.1"
    frame_of_reference_uid: str = "1.2.826.0.1.3680043.8.498.2"
    field_hu: Callable[[Floats], Floats] = linear_hu
    order: tuple[int, ...] = ()
    edits: Mapping[int, Edit] = field(default_factory=dict)

    @property
    def normal(self) -> Floats:
        return np.cross(self.row, self.column)

    def position(self, index: int) -> Floats:
        """Return the LPS position of the first voxel of a slice, mm."""
        along = self.positions[index] * self.step_mm
        sideways = self.shear[0] * np.array(self.row) + self.shear[1] * np.array(self.column)
        return np.asarray(np.array(self.origin_lps_mm) + along * (self.normal + sideways))

    def points(self, index: int) -> Floats:
        """Return the LPS positions (rows, columns, 3) of a slice's voxels, mm."""
        between_rows, between_columns = self.spacing_rows_columns_mm
        i = np.arange(self.columns)[None, :, None] * between_columns * np.array(self.row)
        j = np.arange(self.rows)[:, None, None] * between_rows * np.array(self.column)
        return np.asarray(self.position(index) + i + j)

    def slices(self) -> list[Dataset]:
        """Return the datasets in the order of ``order``, edited."""
        indices = self.order or tuple(range(len(self.positions)))
        return [self._slice(index, number) for number, index in enumerate(indices)]

    def _slice(self, index: int, number: int) -> Dataset:
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"{self.series_uid}.{number + 1}")
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.Modality, ds.PatientName, ds.PatientID = "CT", "Nobody^Known", "SECRET-7"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.3", self.series_uid
        ds.FrameOfReferenceUID, ds.InstanceNumber = self.frame_of_reference_uid, number + 1
        ds.SliceThickness = self.thickness_mm
        ds.ImagePositionPatient = [ds_text(value) for value in self.position(index)]
        ds.ImageOrientationPatient = [ds_text(value) for value in (*self.row, *self.column)]
        ds.PixelSpacing = [ds_text(value) for value in self.spacing_rows_columns_mm]
        self._add_pixels(ds, index)
        if index in self.edits:
            self.edits[index](ds)
        return ds

    def _add_pixels(self, ds: Dataset, index: int) -> None:
        slope, intercept = self.slopes[index % len(self.slopes)], self.intercepts[index % len(self.intercepts)]
        stored = np.rint((self.field_hu(self.points(index)) - intercept) / slope)
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = ds_text(slope), ds_text(intercept), "HU"
        ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = (
            self.rows,
            self.columns,
            1,
            "MONOCHROME2",
        )
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, self.bits_stored, self.bits_stored - 1
        ds.PixelRepresentation = int(self.is_signed)
        set_stored(ds, stored.astype(np.int64))


def set_stored(ds: Dataset, stored: NDArray[Any]) -> None:
    """Put stored numbers into a slice, cut to its bits."""
    bits = stored.astype(np.int64) & ((1 << ds.BitsStored) - 1)
    ds["PixelData"] = _element(bits.astype("<u2").tobytes())


def _element(data: bytes) -> Any:
    from pydicom import DataElement

    return DataElement(0x7FE00010, "OW", data)


def ds_text(value: float) -> str:
    """Return a number as a decimal string of at most 16 characters, as exact as that allows."""
    for digits in range(16, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    raise ValueError(value)


def write_slices(slices: Sequence[Dataset], folder: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write datasets into a folder as 0000.dcm, ..., in an uncompressed transfer syntax, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, ds in enumerate(slices):
        write_slice(ds, folder / f"{number:04d}.dcm", syntax)
    return folder


def write_slice(ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> None:
    """Write one dataset; one that is compressed already keeps its transfer syntax."""
    if not ds.file_meta.TransferSyntaxUID.is_compressed:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
    if syntax == ExplicitVRBigEndian:
        swapped = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds["PixelData"] = _element(swapped)
    ds.save_as(path, enforce_file_format=True)


def zip_folder(folder: Path, path: Path) -> Path:
    """Return a zip of a folder's files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"study/series/{file.name}")
    return path


UNCOMPRESSED = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)
