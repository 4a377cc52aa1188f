"""What is refused, or set aside, is told by its reason and with the way out."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, linear_hu, write_slices

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def message_of(path: Path, code: Code) -> str:
    with pytest.raises(InputRefusedError) as caught:
        open_ct(path)
    assert caught.value.problem.code == code
    assert len(caught.value.problem.message) < 400
    return caught.value.problem.message


def test_another_sop_class_of_modality_ct_is_named(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID(SECONDARY_CAPTURE)
    message = message_of(write_slices(slices, tmp_path / "series"), Code.NOT_CT)
    assert f"SOP class Secondary Capture Image Storage ({SECONDARY_CAPTURE}) of modality CT (9 files)" in message


def test_another_modality_is_named(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.Modality = "MR"
    assert "modality MR (9 files)" in message_of(write_slices(slices, tmp_path / "series"), Code.NOT_CT)


@pytest.mark.parametrize(
    ("each", "size"), [(1, "9 series of one slice each"), (2, "5 series of at most 2 slices each")]
)
@pytest.mark.parametrize("in_one_frame", [True, False])
def test_a_series_for_every_slice_is_said_to_be_one(tmp_path: Path, each: int, size: str, in_one_frame: bool) -> None:
    slices = SeriesSpec().slices()
    for number, ds in enumerate(slices):
        ds.SeriesInstanceUID = f"1.2.826.{number // each}"
        if not in_one_frame:
            ds.FrameOfReferenceUID = f"1.2.827.{number // each}"
    assert size in message_of(write_slices(slices, tmp_path / "series"), Code.MIXED_SERIES)


def test_two_series_are_named_with_the_option_that_picks_one(tmp_path: Path) -> None:
    other = SeriesSpec(series_uid="1.2.826.9", frame_of_reference_uid="1.2.826.10", positions=tuple(range(7))).slices()
    folder = write_slices([*SeriesSpec().slices(), *other], tmp_path / "series")
    message = message_of(folder, Code.MIXED_SERIES)
    assert f"{SeriesSpec().series_uid}: 9 slices" in message
    assert "1.2.826.9: 7 slices" in message
    assert "--series" in message
    assert open_ct(folder, series_uid="1.2.826.9").grid.size_xyz[2] == 7


def test_a_choice_of_series_names_the_other(tmp_path: Path) -> None:
    other = SeriesSpec(series_uid="1.2.826.9", positions=tuple(range(7))).slices()
    (warning,) = open_ct(
        write_slices([*SeriesSpec().slices(), *other], tmp_path / "series"), expect_lung=False
    ).warnings
    assert "also 1.2.826.9: 7 slices" in warning.message
    assert f"read {SeriesSpec().series_uid}" in warning.message
    assert "--series" in warning.message


def tar(path: Path) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        archive.add(write_slices(SeriesSpec().slices(), path.parent / "series"), "series")
    return path


def start(path: Path, magic: bytes) -> Path:
    path.write_bytes(magic + bytes(600))
    return path


def one_file(path: Path) -> Path:
    write_slices(SeriesSpec().slices()[:1], path.parent / "series")
    path.write_bytes(gzip.compress((path.parent / "series" / "0000.dcm").read_bytes()))
    return path


ARCHIVES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "scan.tar": (tar, "a tar archive"),
    "scan.tar.gz": (tar, "a tar archive"),
    "scan.7z": (lambda path: start(path, b"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    "scan.rar": (lambda path: start(path, b"Rar!\x1a\x07"), "a RAR archive"),
    "scan.tar.xz": (lambda path: start(path, b"\xfd7zXZ\0"), "a xz archive"),
    "scan.tar.bz2": (lambda path: start(path, b"BZh9"), "a bzip2 archive"),
    "slice.dcm.gz": (one_file, "one DICOM file"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_is_not_read_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    make, kind = ARCHIVES[name]
    message = message_of(make(tmp_path / name), Code.UNREADABLE)
    assert kind in message
    assert "unpack" in message


def test_a_link_to_a_folder_is_named_where_there_is_nothing_else(tmp_path: Path) -> None:
    folder = write_slices(SeriesSpec().slices(), tmp_path / "series")
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "study").symlink_to(folder, target_is_directory=True)
    assert "nothing but a link to a folder, study" in message_of(tmp_path / "case", Code.UNREADABLE)
    assert open_ct(tmp_path / "case" / "study", expect_lung=False).grid.size_xyz[2] == 9


def page(image_type: list[str], *lost: str) -> Dataset:
    (ds,) = SeriesSpec(positions=(0,)).slices()
    ds.SOPInstanceUID, ds.InstanceNumber, ds.ImageType = "1.2.826.77", 99, image_type
    for keyword in lost:
        delattr(ds, keyword)
    return ds


ALL = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
PAGES = {
    "derived": page(["DERIVED", "SECONDARY", "OTHER"], *ALL),
    "derived with a plane": page(["DERIVED", "SECONDARY", "OTHER"], "ImagePositionPatient"),
    "secondary": page(["ORIGINAL", "SECONDARY", "OTHER"], "ImagePositionPatient", "SliceThickness"),
    "of no place at all": page(["ORIGINAL", "PRIMARY", "AXIAL"], *ALL),
    "of no type": page([""], *ALL),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("change", ["", "colour", "size"])
def test_a_page_without_a_place_is_set_aside_and_named(tmp_path: Path, name: str, change: str) -> None:
    one = Dataset()
    one.update(PAGES[name])
    one.file_meta = PAGES[name].file_meta
    if change == "colour":
        one.SamplesPerPixel, one.PhotometricInterpretation = 3, "RGB"
    if change == "size":
        one.Rows = 5
    volume = open_ct(write_slices([*SeriesSpec().slices(), one], tmp_path / "series"), expect_lung=False)
    assert [(problem.code, problem.items) for problem in volume.warnings] == [(Code.NO_GEOMETRY, ("0009.dcm",))]
    expected = np.stack([linear_hu(SeriesSpec().points(k)).T for k in range(9)], axis=-1)
    np.testing.assert_allclose(volume.read_all(), expected, atol=0.51)


def lost(ds: Dataset) -> None:
    del ds.ImagePositionPatient


@pytest.mark.parametrize("which", [[4], [8], list(range(9))])
def test_a_slice_that_lost_its_place_is_no_page(tmp_path: Path, which: list[int]) -> None:
    slices = replace(SeriesSpec(), edits=dict.fromkeys(which, lost)).slices()
    message_of(write_slices(slices, tmp_path / "series"), Code.NO_GEOMETRY)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("stated", [11, 13, 14])
def test_compressed_pixels_of_other_bits_than_stated_have_a_name_of_their_own(
    tmp_path: Path, syntax: str, stated: int
) -> None:
    slices = SeriesSpec(bits_stored=12, columns=70, rows=66, spacing_rows_columns_mm=(0.2, 0.16)).slices()
    for ds in slices:
        ds.compress(syntax)
        ds.BitsStored, ds.HighBit = stated, stated - 1
    message = message_of(write_slices(slices, tmp_path / "series"), Code.NOT_HOUNSFIELD)
    assert f"12 bits where {stated} of 16 are stored" in message
