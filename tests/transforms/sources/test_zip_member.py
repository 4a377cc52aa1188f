"""A zip's member, inflated in one go, is what zipfile reads; damage is an error, never other bytes."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodulus.transforms.sources import inflater, zip_member
from nodulus.transforms.sources.shared_zip import SharedZip
from nodulus.transforms.sources.zip_sources import ZipSource

zlib_ng: ModuleType = pytest.importorskip("zlib_ng.zlib_ng")

CONTENT = np.cumsum(np.random.default_rng(0).integers(-3, 4, 60_000)).astype("<i2").tobytes()
KINDS = {"deflated": zipfile.ZIP_DEFLATED, "stored": zipfile.ZIP_STORED, "bzip2": zipfile.ZIP_BZIP2}


def zipped(path: Path, kind: str = "deflated", level: int = 6) -> bytes:
    """Write an archive, the second member with a comment and an extra field, and return its bytes."""
    with zipfile.ZipFile(path, "w", KINDS[kind], compresslevel=level) as archive:
        archive.writestr("first.dcm", CONTENT[::-1])
        member = zipfile.ZipInfo("folder/image.dcm")
        member.compress_type, member.extra, member.comment = KINDS[kind], b"\x99\x99\x04\x00abcd", b"a slice"
        archive.writestr(member, CONTENT)
        archive.writestr("empty.dcm", b"")
    return path.read_bytes()


def read(path: Path, name: str = "folder/image.dcm") -> bytes:
    archive = SharedZip(path)
    source = ZipSource(archive, archive.here().getinfo(name))
    return source.read(0, max(source.size, 1 << 17))


@pytest.mark.parametrize("library", [zlib, zlib_ng], ids=lambda library: library.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_zipfile_reads(
    kind: str, library: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflater, "_LIBRARY", library)
    monkeypatch.setattr(zip_member, "_READ_BYTES", 777)
    zipped(tmp_path / "a.zip", kind)
    assert read(tmp_path / "a.zip") == CONTENT
    assert read(tmp_path / "a.zip", "first.dcm") == CONTENT[::-1]
    assert read(tmp_path / "a.zip", "empty.dcm") == b""
    (tmp_path / "before.zip").write_bytes(b"#!/bin/sh\n" * 9 + (tmp_path / "a.zip").read_bytes())
    assert read(tmp_path / "before.zip") == CONTENT


@pytest.mark.parametrize("library", [zlib, zlib_ng], ids=lambda library: library.__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_an_error_or_changes_no_byte(library: ModuleType, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    content = bytearray(zipped(path))
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("folder/image.dcm").header_offset
        end = archive.getinfo("empty.dcm").header_offset
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(start, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inflater, "_LIBRARY", library)
        try:
            found = read(path)
        except OSError:
            return
    assert found == CONTENT


def test_a_member_that_states_fewer_bytes_than_it_holds_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    zipped(path)
    archive = SharedZip(path)
    member = archive.here().getinfo("folder/image.dcm")
    member.file_size -= 1
    with pytest.raises(OSError, match=r"image\.dcm is damaged in the archive"):
        ZipSource(archive, member).read(0, 1 << 17)
