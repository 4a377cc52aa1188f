"""Outputs appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from nodulus.pipeline.files import check_output_dir, replacing_file, replacing_folder, write_text
from nodulus.transforms.problems import UsageError

Replacing = Callable[[Path], AbstractContextManager[Path]]


@pytest.mark.parametrize("replacing", [replacing_file, replacing_folder])
def test_what_fails_half_way_leaves_nothing_behind(replacing: Replacing, tmp_path: Path) -> None:
    def write_half() -> None:
        with replacing(tmp_path / "a") as temporary:
            (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ESTALE])
@pytest.mark.parametrize("replacing", [replacing_file, replacing_folder])
def test_what_the_disk_says_is_a_line_with_the_path(replacing: Replacing, code: int, tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "a"):
            raise OSError(code, os.strerror(code))

    with pytest.raises(UsageError, match=rf"^Expected to write {tmp_path / 'a'}, got: {os.strerror(code)}$"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanishes_while_it_is_written_to_is_named(tmp_path: Path) -> None:
    def lose() -> None:
        with replacing_file(tmp_path / "out" / "a") as temporary:
            shutil.rmtree(tmp_path / "out")
            temporary.write_text("late")

    with pytest.raises(UsageError, match=rf"^Expected to write {tmp_path / 'out' / 'a'}, got: No such file or direc"):
        lose()


def test_a_failed_write_keeps_the_old_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "old.txt", "old")
    with pytest.raises(OSError, match="disk full"), replacing_folder(tmp_path / "a"):
        raise OSError("disk full")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["old.txt"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "old.txt", "old")
    with replacing_folder(tmp_path / "a") as temporary:
        (temporary / "new.txt").write_text("new")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_keeps_its_suffixes_while_it_is_written(tmp_path: Path) -> None:
    with replacing_file(tmp_path / "deep" / "scan.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")  # writers choose a format by it
        temporary.write_bytes(b"scan")
    assert (tmp_path / "deep" / "scan.nii.gz").read_bytes() == b"scan"


@pytest.mark.parametrize("name", [".", "new", "new/deep/er"])
def test_a_place_that_can_be_written_is_accepted_and_left_as_it_was(name: str, tmp_path: Path) -> None:
    check_output_dir(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/sub", "new/" + "x" * 300, "zero\0byte"])
def test_a_place_that_cannot_be_written_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UsageError, match=r"Expected a folder to write to, got .*(file|x|byte)"):
        check_output_dir(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
