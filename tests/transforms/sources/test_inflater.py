"""Whichever library inflates, the bytes are the same, and a damaged stream is refused in the same words."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodulus.transforms.dicom.inflate import InflatedSource, inflate_dataset
from nodulus.transforms.problems import InputRefusedError, ProblemCode
from nodulus.transforms.sources import inflater
from nodulus.transforms.sources.byte_sources import MemorySource
from nodulus.transforms.sources.deflate_reader import DeflateReader

zlib_ng: ModuleType = pytest.importorskip("zlib_ng.zlib_ng")

# Like slices: smooth, with noise; some of a block of the reader, and more than one.
CONTENT = np.cumsum(np.random.default_rng(0).integers(-3, 4, 300_000)).astype("<i2").tobytes()
STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, 6, mtime=0),
    "gzip, fast": lambda content: gzip.compress(content, 1, mtime=0),
    "gzip, stored": lambda content: gzip.compress(content, 0, mtime=0),
    "zlib": lambda content: zlib.compress(content, 9),
    "chained": lambda content: gzip.compress(content[:70_001], mtime=0) + gzip.compress(content[70_001:], mtime=0),
}


def by_both(monkeypatch: pytest.MonkeyPatch, told: Callable[[], object]) -> tuple[object, object]:
    """Return what is told when Python's zlib inflates, and when zlib-ng does."""
    heard: list[object] = []
    for library in (zlib, zlib_ng):
        with monkeypatch.context() as patch:
            patch.setattr(inflater, "_LIBRARY", library)
            heard.append(told())
    return heard[0], heard[1]


def read_all(path: Path) -> object:
    """Return what a file inflates to, at several places, or how it is refused."""
    reader = DeflateReader(path, checkpoint_bytes=1 << 16)
    try:
        size = reader.verified_size(len(CONTENT))
        return size, [reader.read(start, 5000) for start in (0, 260_000, 500_000, 99)], reader.read_start(77)
    except InputRefusedError as error:
        return error.problem.code, error.problem.message


def test_the_faster_library_is_used_where_it_is_installed() -> None:
    assert inflater._LIBRARY is zlib_ng


@pytest.mark.parametrize("kind", STREAMS)
def test_the_bytes_are_the_same(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ct.gz"
    path.write_bytes(STREAMS[kind](CONTENT))
    ours, theirs = by_both(monkeypatch, lambda: read_all(path))
    assert ours == theirs
    parts = [CONTENT[start : start + 5000] for start in (0, 260_000, 500_000, 99)]
    assert ours == (len(CONTENT), parts, CONTENT[:77])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(kind=st.sampled_from(list(STREAMS)), where=st.floats(0, 1), bits=st.integers(1, 255), is_cut=st.booleans())
def test_damage_is_refused_in_the_same_words(
    kind: str, where: float, bits: int, is_cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = bytearray(STREAMS[kind](CONTENT))
    place = int(where * (len(damaged) - 1))
    damaged[place] ^= bits
    path = tmp_path / "ct.gz"
    path.write_bytes(damaged[:place] if is_cut else damaged)
    ours, theirs = by_both(monkeypatch, lambda: read_all(path))
    assert ours == theirs


@pytest.mark.parametrize("kind", [kind for kind in STREAMS if kind != "chained"])
def test_a_wrong_checksum_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = bytearray(STREAMS[kind](CONTENT))
    stream[-2 if kind == "zlib" else -6] ^= 1  # of gzip the CRC stands before the size
    path = tmp_path / "ct.gz"
    path.write_bytes(stream)
    ours, theirs = by_both(monkeypatch, lambda: read_all(path))
    assert ours == theirs
    assert isinstance(ours, tuple)
    assert ours[0] is not len(CONTENT)
    assert isinstance(ours[0], ProblemCode)


def datasets(content: bytes) -> object:
    """Return a deflated dataset whole and in part, or what is wrong with it."""
    file = MemorySource("1.dcm", content)
    reads: list[Callable[[], bytes]] = [
        lambda: inflate_dataset(file, 0).read(0, len(CONTENT)),
        lambda: InflatedSource(file, 0, len(CONTENT)).read(4000, 900),
    ]
    return [_told(read) for read in reads]


def _told(read: Callable[[], bytes]) -> object:
    try:
        return read()
    except (ValueError, OSError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("damage", [None, 5, 700, 100_000, -1])
def test_deflated_datasets_are_the_same(damage: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    stream = bytearray(pack.compress(CONTENT) + pack.flush())
    if damage is not None:
        stream[damage] ^= 0x55
    ours, theirs = by_both(monkeypatch, lambda: datasets(bytes(stream)))
    assert ours == theirs
    assert (ours == [CONTENT, CONTENT[4000:4900]]) is (damage is None)
