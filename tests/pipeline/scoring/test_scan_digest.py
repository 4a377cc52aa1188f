"""A scan's hash is what anybody can reckon with sha256sum, and any changed byte or name gives another."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from nodulus.pipeline.scoring.scan_digest import scan_sha256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scan = tmp_path / "scan"
    (scan / "b").mkdir(parents=True)
    for name in ("a.dcm", "B.dcm", "b/c é.dcm"):
        (scan / name).write_bytes(name.encode() * 1000)
    return scan


def test_a_file_gives_its_own_hash(tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii.gz"
    scan.write_bytes(b"voxels")
    assert scan_sha256(scan) == hashlib.sha256(b"voxels").hexdigest()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_a_folder_gives_the_hash_of_what_sha256sum_prints(folder: Path) -> None:
    shown = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    expected = subprocess.run(shown, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert scan_sha256(folder) == expected.split()[0]


def test_where_it_lies_does_not_count_but_names_and_bytes_do(folder: Path, tmp_path: Path) -> None:
    known = scan_sha256(folder)
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    assert scan_sha256(moved) == known
    (moved / "a.dcm").rename(moved / "z.dcm")
    renamed = scan_sha256(moved)
    (folder / "a.dcm").write_bytes(b"other")
    assert len({known, renamed, scan_sha256(folder)}) == 3


def test_header_and_voxels_in_two_files_are_one_scan(tmp_path: Path) -> None:
    (tmp_path / "scan.mhd").write_text("ElementDataFile = scan.raw")
    (tmp_path / "scan.raw").write_bytes(b"1")
    before = scan_sha256(tmp_path / "scan.mhd")
    (tmp_path / "scan.raw").write_bytes(b"2")
    assert scan_sha256(tmp_path / "scan.mhd") != before


def test_no_scan_has_no_hash(tmp_path: Path) -> None:
    assert scan_sha256(tmp_path / "none") is None
