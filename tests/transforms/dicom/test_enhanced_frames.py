"""Enhanced (multi-frame) CT reads as the same slices in single files do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGLSLossless

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices, zip_folder

ENHANCED_CT = UID("1.2.840.10008.5.1.4.1.1.2.1")
SPEC = SeriesSpec(slopes=(1.0, 0.5), order=(3, 0, 8, 5, 1, 7, 2, 6, 4))


def item(**values: object) -> list[Dataset]:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return [ds]


def enhanced(slices: list[Dataset], compressed: bool = False) -> Dataset:
    """Return one multi-frame dataset of slices; spacing and orientation are shared, the rest each frame's own."""
    ds = slices[0]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = ENHANCED_CT
    ds.NumberOfFrames = len(slices)
    shared, frames = Dataset(), []
    shared.PixelMeasuresSequence = item(PixelSpacing=ds.PixelSpacing, SliceThickness=ds.SliceThickness)
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=ds.ImageOrientationPatient)
    for number, one in enumerate(slices):
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=one.ImagePositionPatient)
        frame.PixelValueTransformationSequence = item(
            RescaleSlope=one.RescaleSlope, RescaleIntercept=one.RescaleIntercept, RescaleType="HU"
        )
        frame.FrameContentSequence = item(
            FrameAcquisitionNumber=1, TemporalPositionIndex=1, InStackPositionNumber=number
        )
        frames.append(frame)
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], frames
    if compressed:
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds.PixelData = encapsulate([next(generate_frames(one.PixelData, number_of_frames=1)) for one in slices])
        ds["PixelData"].is_undefined_length = True
    else:
        ds.PixelData = b"".join(one.PixelData for one in slices)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(ds, keyword)
    for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        delattr(ds, keyword)
    return ds


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, JPEGLSLossless])
def test_an_enhanced_file_reads_as_its_slices(tmp_path: Path, syntax: str) -> None:
    plain = open_ct(write_slices(SPEC.slices(), tmp_path / "classic"))
    slices = SPEC.slices()
    is_compressed = syntax == JPEGLSLossless
    if is_compressed:
        for ds in slices:
            ds.compress(JPEGLSLossless)
    folder = tmp_path / "enhanced"
    folder.mkdir()
    write_slice(enhanced(slices, is_compressed), folder / "frames.dcm", syntax)
    for place in (folder, folder / "frames.dcm", zip_folder(folder, tmp_path / "enhanced.zip")):
        volume = open_ct(place)
        np.testing.assert_array_equal(volume.grid.affine_lps, plain.grid.affine_lps)
        np.testing.assert_array_equal(volume.read_all(), plain.read_all())
        np.testing.assert_array_equal(volume.read_region((1, 2, 3), (5, 6, 7)), plain.read_region((1, 2, 3), (5, 6, 7)))


def no_position(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[4].PlanePositionSequence


def no_transform(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[4].PixelValueTransformationSequence


def one_group_less(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[4]


def one_frame_less(ds: Dataset) -> None:
    ds.PixelData = ds.PixelData[: -ds.Rows * ds.Columns * 2]


def no_groups(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (no_position, Code.NO_GEOMETRY),
        (no_transform, Code.NOT_HOUNSFIELD),
        (one_group_less, Code.UNREADABLE),
        (one_frame_less, Code.TRUNCATED),
        (no_groups, Code.UNREADABLE),
    ],
)
def test_a_broken_enhanced_file_is_refused_by_name(tmp_path: Path, edit: Callable[[Dataset], None], code: Code) -> None:
    ds = enhanced(SPEC.slices())
    edit(ds)
    write_slice(ds, tmp_path / "frames.dcm")
    with pytest.raises(InputRefusedError, match=r"frames\.dcm") as caught:
        open_ct(tmp_path)
    assert caught.value.problem.code == code
