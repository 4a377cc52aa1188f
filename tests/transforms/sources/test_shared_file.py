"""Many readers of one file."""

from __future__ import annotations

import os
import random
import struct
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nodulus.transforms.sources.shared_file import SharedFile


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns every microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_read_every_member_of_an_archive_as_it_is(tmp_path: Path) -> None:
    contents = {f"{index}.bin": random.Random(index).randbytes(20_000) for index in range(40)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for index, (name, content) in enumerate(contents.items()):
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HH8s", 0x9999, 8, b"skip me!")  # what zipfile skips by a relative seek
            info.compress_type = zipfile.ZIP_STORED if index % 2 else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    shared = zipfile.ZipFile(SharedFile(tmp_path / "a.zip"))

    def read(name: str) -> bytes:
        with shared.open(name) as stream:
            stream.seek(100)
            return stream.read(500)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for name, found in zip(contents, pool.map(read, contents), strict=True):
                assert found == contents[name][100:600], name


@pytest.mark.parametrize("has_pread", [True, False])
def test_it_reads_as_files_do(has_pread: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_pread:
        monkeypatch.delattr(os, "pread", raising=False)
    (tmp_path / "f").write_bytes(bytes(range(100)))
    with (tmp_path / "f").open("rb") as plain:
        shared = SharedFile(tmp_path / "f")
        for file in (plain, shared):
            assert file.read(3) == b"\x00\x01\x02"
            assert file.seek(4, os.SEEK_CUR) == 7
            assert file.read(1) == b"\x07"
            assert file.seek(-2, os.SEEK_END) == 98
            assert (file.read(), file.read(5), file.tell()) == (b"\x62\x63", b"", 100)
            with pytest.raises(OSError, match=r"."):
                file.seek(-1)
        shared.close()
