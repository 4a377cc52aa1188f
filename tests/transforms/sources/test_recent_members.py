"""A member that several nodules need is inflated once; of another archive nothing is ever returned."""

from __future__ import annotations

import gc
import threading
import zipfile
from pathlib import Path

import pytest

from nodulus.transforms.sources import recent_members, zip_member, zip_sources
from nodulus.transforms.sources.shared_zip import SharedZip
from nodulus.transforms.sources.zip_sources import ZipSource

SIZE = 100_000


def sources(path: Path, first: bytes = b"a") -> list[ZipSource]:
    contents = [first, b"b", b"c", b"d"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.dcm", content * SIZE)
    shared = SharedZip(path)
    return [ZipSource(shared, member) for member in shared.here().infolist()]


@pytest.fixture
def inflated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of what is inflated, as it happens."""
    names: list[str] = []
    whole = zip_member.whole_member

    def noted(path: Path, member: zipfile.ZipInfo, stream: object) -> bytes:
        names.append(member.filename)
        return whole(path, member, stream)  # type: ignore[arg-type]

    monkeypatch.setattr(zip_sources, "whole_member", noted)
    return names


def test_each_is_inflated_once(tmp_path: Path, inflated: list[str]) -> None:
    members = sources(tmp_path / "a.zip")
    for _ in range(3):
        assert [each.read(70_000, 2) for each in members] == [b"aa", b"bb", b"cc", b"dd"]
    assert inflated == ["0.dcm", "1.dcm", "2.dcm", "3.dcm"]


def test_the_oldest_make_room(tmp_path: Path, inflated: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_members, "_MOST_BYTES", 2 * SIZE)
    members = sources(tmp_path / "a.zip")
    for index in (0, 1, 0, 2, 0, 1):
        members[index].read(0, SIZE)
    assert inflated == ["0.dcm", "1.dcm", "2.dcm", "1.dcm"]
    monkeypatch.setattr(recent_members, "_MOST_BYTES", SIZE - 1)
    again = sources(tmp_path / "b.zip")
    assert [again[3].read(0, SIZE)[:1] for _ in range(2)] == [b"d", b"d"]
    assert inflated[4:] == ["3.dcm", "3.dcm"]


def test_archives_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    one, other = sources(tmp_path / "a.zip"), sources(tmp_path / "b.zip", b"x")
    for _ in range(2):
        assert one[0].read(0, SIZE) == b"a" * SIZE
        assert other[0].read(0, SIZE) == b"x" * SIZE


def test_an_archive_that_is_gone_holds_no_memory(tmp_path: Path) -> None:
    members = sources(tmp_path / "a.zip")
    members[0].read(0, SIZE)
    assert zip_sources._RECENT._members
    del members
    gc.collect()
    assert not zip_sources._RECENT._members


def test_an_archive_that_goes_in_another_thread_holds_no_memory_in_this_one(tmp_path: Path) -> None:
    held = [sources(tmp_path / "a.zip")]
    held[0][0].read(0, SIZE)
    members = zip_sources._RECENT._members
    assert members

    def let_go() -> None:
        held.clear()
        gc.collect()

    thread = threading.Thread(target=let_go)
    thread.start()
    thread.join()
    assert not members


def test_a_damaged_member_is_refused_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    sources(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.infolist()[1].header_offset - 10
    content[at] ^= 0xFF
    path.write_bytes(content)
    shared = SharedZip(path)
    first = ZipSource(shared, shared.here().infolist()[0])
    for _ in range(2):
        with pytest.raises(OSError, match="damaged in the archive"):
            first.read(0, SIZE)
