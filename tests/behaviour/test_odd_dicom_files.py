"""Odd and damaged DICOM files: understood where they can be, refused by the right name otherwise."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from nodulus.transforms.problems import InputRefusedError, UsageError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.cache import ScanCache
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices, zip_folder
from tests.transforms.series.test_read_series import expected_hu

SPEC = SeriesSpec()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_slices(SPEC.slices(), tmp_path / "series")


def code_of(path: Path) -> Code:
    with pytest.raises(InputRefusedError) as caught:
        open_ct(path)
    return caught.value.problem.code


def change_bytes(folder: Path, old: bytes, new: bytes) -> None:
    for path in folder.iterdir():
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new, 1))


@pytest.mark.parametrize("text", [b"0_8\\1_2 ", b"nan\\1.2 ", b"0,8\\1,2 ", b"0x8\\1.2 "])
def test_numbers_that_only_python_reads_are_refused(tmp_path: Path, text: bytes) -> None:
    slices = SeriesSpec(spacing_rows_columns_mm=(0.8, 1.2)).slices()
    folder = write_slices(slices, tmp_path / "series")
    change_bytes(folder, b"\x28\x00\x30\x00DS\x08\x000.8\\1.2 ", b"\x28\x00\x30\x00DS\x08\x00" + text)
    assert code_of(folder) == Code.NO_GEOMETRY


@pytest.mark.parametrize("text", [b"NA  ", b"nan ", b"1e99", b"-1  ", b"1_0 "])
def test_a_number_of_frames_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    slices = SPEC.slices()
    for ds in slices:
        ds.NumberOfFrames = 1000
    folder = write_slices(slices, tmp_path / "series")
    change_bytes(folder, b"IS\x04\x001000", b"IS\x04\x00" + text)
    assert code_of(folder) == Code.NO_GEOMETRY


def test_an_element_that_stands_twice_is_refused(folder: Path) -> None:
    path = folder / "0004.dcm"
    data = path.read_bytes()
    at = data.index(b"\x18\x00\x50\x00DS")
    end = data.index(b"\x20\x00", at)
    path.write_bytes(data[:end] + data[at:end] + data[end:])
    assert code_of(folder) == Code.UNREADABLE


@pytest.mark.parametrize(("rows", "columns"), [(10, 14), (11, 13), (11, 7)])
def test_pixels_left_over_are_refused(tmp_path: Path, rows: int, columns: int) -> None:
    slices = SPEC.slices()
    for ds in slices:
        ds.Rows, ds.Columns = rows, columns
    assert code_of(write_slices(slices, tmp_path / "series")) == Code.INCONSISTENT_SLICES


def test_a_few_bytes_left_over_are_warned_of(tmp_path: Path) -> None:
    slices = SPEC.slices()
    for ds in slices:
        ds.PixelData += bytes(4)
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    assert [problem.code for problem in volume.warnings] == [Code.INCONSISTENT_SLICES]


def swap_syntax(old: str, new: str) -> Callable[[Path], None]:
    """Return what makes a file say another transfer syntax than it has."""

    def change(path: Path) -> None:
        padded = [uid.encode() + b"\0" * (len(uid) % 2) for uid in (old, new)]
        before, after = (b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid for uid in padded)
        path.write_bytes(path.read_bytes().replace(before, after))

    return change


@pytest.mark.parametrize(
    ("true", "stated"),
    [(ImplicitVRLittleEndian, ExplicitVRLittleEndian), (ExplicitVRLittleEndian, ImplicitVRLittleEndian)],
)
def test_a_wrong_transfer_syntax_is_seen_through(tmp_path: Path, true: str, stated: str) -> None:
    folder = write_slices(SPEC.slices(), tmp_path / "series", true)
    for path in folder.iterdir():
        swap_syntax(true, stated)(path)
    np.testing.assert_allclose(open_ct(folder).read_all(), expected_hu(SPEC), atol=0.51)


UNDEFINED = b"\xff\xff\xff\xff"
ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0" + bytes(4), b"\xfe\xff\xdd\xe0" + bytes(4)
IMPLICIT_ITEMS = b"\x11\x20\x10\x10SQ\x00\x00" + UNDEFINED + ITEM + UNDEFINED
IMPLICIT_ITEMS += b"\x11\x20\x01\x00\x04\x00\x00\x00\x01\x02\x03\x04" + ITEM_END + SEQUENCE_END
LATER_VR = b"\x11\x20\x20\x10ZZ\x00\x00\x04\x00\x00\x00abcd"


@pytest.mark.parametrize("element", [IMPLICIT_ITEMS, LATER_VR])
def test_private_elements_of_a_strange_form_are_stepped_over(folder: Path, element: bytes) -> None:
    for path in folder.iterdir():
        data = path.read_bytes()
        at = data.index(b"\x28\x00\x02\x00US")
        path.write_bytes(data[:at] + element + data[at:])
    np.testing.assert_allclose(open_ct(folder).read_all(), expected_hu(SPEC), atol=0.51)


def test_a_damaged_file_of_another_kind_is_set_aside(folder: Path) -> None:
    ds = SPEC.slices()[0]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.128")
    ds.Modality, ds.SeriesInstanceUID = "PT", "1.2.3"
    write_slice(ds, folder / "pet.dcm")
    (folder / "pet.dcm").write_bytes((folder / "pet.dcm").read_bytes()[:400])
    volume = open_ct(folder)
    assert [(problem.code, problem.items) for problem in volume.warnings] == [(Code.NOT_CT, ("pet.dcm",))]


def test_a_long_object_without_pixels_is_not_read(folder: Path) -> None:
    ds = SPEC.slices()[0]
    del ds.PixelData
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.66")
    write_slice(ds, folder / "raw.dcm")
    with (folder / "raw.dcm").open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.write(b"\x29\x00\x10\x10OB\x00\x00" + (1 << 30).to_bytes(4, "little"))
        stream.truncate(stream.tell() + (1 << 30))  # sparse: the file takes no place on the disk
    assert open_ct(folder).grid.size_xyz[2] == 9


@pytest.mark.parametrize("suffix", ["fifo", "x" * 300, "a\0b"])
def test_places_that_are_no_file_are_refused_at_once(tmp_path: Path, suffix: str) -> None:
    if suffix == "fifo":
        os.mkfifo(tmp_path / suffix)
    for opened in (open_ct, ScanCache().open):
        with pytest.raises(UsageError, match="no such file"):
            opened(tmp_path / suffix)


def test_folders_without_end_are_refused(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(40):
        place = place / "d"
        place.mkdir()
    for opened in (open_ct, ScanCache().open):
        with pytest.raises(InputRefusedError, match="at most 32 folders"):
            opened(tmp_path)


@pytest.mark.parametrize(("at", "value"), [(6, 99), (9, 0x08), (10, 99)])
def test_a_damaged_directory_of_a_zip_is_refused(folder: Path, tmp_path: Path, at: int, value: int) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + at] = value
    data[central + 46] = 0xFF
    path.write_bytes(data)
    assert code_of(path) in (Code.UNREADABLE, Code.TRUNCATED)


def test_harmless_odd_names_in_a_zip_are_read(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for number, file in enumerate(sorted(folder.iterdir())):
            archive.write(file, f"{number}:2")
        archive.writestr("__MACOSX\\d\\._0001.dcm", b"\0\5\x16\7")
    assert open_ct(path).grid.size_xyz[2] == 9


def test_a_corrupt_lzma_member_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    data = bytearray(path.read_bytes())
    data[30 + len("0000.dcm") + 30] ^= 0xFF
    path.write_bytes(data)
    assert code_of(path) == Code.TRUNCATED


def test_a_nested_element_of_no_representation_is_no_crash(tmp_path: Path) -> None:
    from tests.support.enhanced_writer import enhanced

    ds: Dataset = enhanced(SPEC.slices())
    write_slice(ds, tmp_path / "frames.dcm")
    data = (tmp_path / "frames.dcm").read_bytes()
    at = data.index(b"\x20\x00\x32\x00DS")
    (tmp_path / "frames.dcm").write_bytes(data[: at + 4] + b"ZQ" + data[at + 6 :])
    with suppress(InputRefusedError):
        np.testing.assert_allclose(open_ct(tmp_path).read_all(), expected_hu(SPEC), atol=0.51)
