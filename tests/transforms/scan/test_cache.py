"""Scans that their owner keeps open: from memory where nothing has changed, and by nobody else."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError
from nodulus.transforms.scan.cache import ScanCache
from tests.support.dicom_series_writer import SeriesSpec, write_slices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_slices(SeriesSpec().slices(), tmp_path / "series")


def test_a_scan_that_did_not_change_is_opened_once(folder: Path) -> None:
    scans = ScanCache()
    first = scans.open(folder)
    assert scans.open(folder) is first
    assert scans.open(str(folder)) is first
    assert scans.open(folder, allow=[ProblemCode.LOSSY]) is not first
    assert scans.open(folder, series_uid=SeriesSpec().series_uid) is not first
    assert scans.open(folder, expect_lung=False) is not first
    assert scans.n_opened == 4


def test_a_scan_that_changed_is_opened_again(folder: Path) -> None:
    scans = ScanCache()
    first = scans.open(folder)
    file = folder / "0003.dcm"
    os.utime(file, ns=(1, 1))
    second = scans.open(folder)
    assert second is not first
    (folder / "0008.dcm").unlink()
    assert scans.open(folder).grid.size_xyz[2] == 8


def test_a_refusal_is_not_kept(folder: Path) -> None:
    scans = ScanCache()
    lost = (folder / "0004.dcm").read_bytes()
    (folder / "0004.dcm").unlink()
    with pytest.raises(InputRefusedError, match="missing_slices"):
        scans.open(folder)
    (folder / "0004.dcm").write_bytes(lost)
    assert scans.open(folder).grid.size_xyz[2] == 9


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        ScanCache().open(tmp_path / "nowhere")


def test_the_scan_that_was_asked_for_longest_ago_is_given_up(folder: Path, tmp_path: Path) -> None:
    places = [folder, *(write_slices(SeriesSpec().slices(), tmp_path / name) for name in "ab")]
    scans = ScanCache(max_scans=2)
    first, second = scans.open(places[0]), scans.open(places[1])
    assert scans.open(places[0]) is first
    scans.open(places[2])
    assert scans.open(places[0]) is first
    assert scans.open(places[1]) is not second


def test_caches_share_nothing_and_a_copy_starts_empty(folder: Path) -> None:
    scans = ScanCache(max_scans=3)
    first = scans.open(folder)
    for other in (ScanCache(), copy.deepcopy(scans), pickle.loads(pickle.dumps(scans))):
        assert other.n_opened == 0
        assert other.open(folder) is not first
    assert copy.copy(scans).max_scans == 3
    scans.clear()
    assert scans.open(folder) is not first
