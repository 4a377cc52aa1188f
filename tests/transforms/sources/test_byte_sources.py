"""A zip is read in memory and can do no harm."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.problems import InputRefusedError, printable
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.sources import zip_sources
from tests.support.dicom_series_writer import SeriesSpec, write_slices, zip_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_slices(SeriesSpec().slices(), tmp_path / "series")


def code_of(path: Path) -> Code:
    with pytest.raises(InputRefusedError) as caught:
        open_ct(path)
    assert "\n" not in caught.value.problem.message
    return caught.value.problem.code


@pytest.mark.parametrize("name", ["../escape.dcm", "/etc/escape.dcm", "a/../../b.dcm", "..\\escape.dcm", "C:\\x.dcm"])
def test_names_that_lead_out_of_the_archive_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"x")
    assert code_of(path) == Code.UNSAFE_ARCHIVE


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert code_of(path) == Code.UNSAFE_ARCHIVE


def test_encrypted_members_are_refused(folder: Path, tmp_path: Path) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(data)
    assert code_of(path) == Code.UNSAFE_ARCHIVE


@pytest.mark.parametrize("name", ["inner.zip", "inner.dcm", "inner.tar.gz"])
def test_nested_archives_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    inner = zip_folder(folder, tmp_path / "inner.zip")
    path = zip_folder(folder, tmp_path / "scan.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(inner, name)
    assert code_of(path) == Code.UNSAFE_ARCHIVE


def test_bombs_are_refused_before_they_are_decompressed(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros.dcm", "w") as stream:
        for _ in range(80):
            stream.write(bytes(1 << 20))
    assert code_of(path) == Code.UNSAFE_ARCHIVE


def test_too_many_or_too_large_members_are_refused(tmp_path: Path) -> None:
    many = [zipfile.ZipInfo(f"{number}.dcm") for number in range(20001)]
    large = zipfile.ZipInfo("large.dcm")
    large.file_size = 9 << 30
    (tmp_path / "scan.zip").write_bytes(bytes(100))
    for members in (many, [large]):
        with pytest.raises(InputRefusedError, match="unsafe_archive"):
            zip_sources._check_amount(tmp_path / "scan.zip", members, Gate())


def test_a_damaged_member_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    with zipfile.ZipFile(path) as archive:
        member = archive.infolist()[4]
    data = bytearray(path.read_bytes())
    start = member.header_offset + 30 + len(member.filename)
    for index in range(start, start + member.compress_size):
        data[index] ^= 0x5A
    path.write_bytes(data)
    with pytest.raises(InputRefusedError, match=r"truncated: .*0004\.dcm"):
        open_ct(path)


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_an_archive_cut_short_is_refused(folder: Path, tmp_path: Path, part: float) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert code_of(path) == Code.UNREADABLE


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scan.zip", "w"):
        pass
    assert code_of(tmp_path / "scan.zip") == Code.UNREADABLE


def test_nothing_is_extracted(folder: Path, tmp_path: Path) -> None:
    path = zip_folder(folder, tmp_path / "scan.zip")
    before = sorted(tmp_path.rglob("*"))
    open_ct(path).read_all()
    assert sorted(tmp_path.rglob("*")) == before


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert open_ct(folder).warnings == ()


def test_names_are_printed_without_control_characters() -> None:
    assert printable("a\x1b[31m\n.dcm") == "a\\x1b[31m\\x0a.dcm"
