"""A detector that learned phantoms finds the nodules of others, wherever they lie, and their scores follow."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.phantom import (
    Phantom,
    PhantomNodule,
    PhantomSpec,
    make_phantom,
    write_dicom_series,
    write_nifti,
)
from nodulus.pipeline.results.record import CaseResult, read_results
from nodulus.transforms.geometry import Triple
from tests.support.detection_training import MIN_SCORE, lung_nodules

ALONG = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
DIRECTIONS = {
    "as most": ALONG,
    "turned about y": ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    "left-handed": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    "oblique": ((0.9698463, -0.1710101, 0.1736482), (0.1736482, 0.9848078, 0.0), (-0.1710101, 0.0301537, 0.9848078)),
}


@cache
def phantom(direction: tuple[Triple, Triple, Triple] = ALONG) -> Phantom:
    """Return a phantom that trained nothing, with six nodules of 13 to 26 mm."""
    nodules = lung_nodules(np.random.default_rng(77), 6)
    size_xyz, spacing_mm = (104, 84, 80), (3.1, 3.1, 3.0)
    return make_phantom(PhantomSpec(size_xyz, spacing_mm, nodules, seed=99, direction_lps=direction))


def missed(nodules: tuple[PhantomNodule, ...], found: tuple[Nodule, ...]) -> list[str]:
    """Return the nodules of a phantom that no box has its centre within 5 mm of."""
    centers = np.array([each.center_lps_mm for each in found]).reshape(-1, 3)
    away = {each.nodule_id: np.linalg.norm(centers - each.center_lps_mm, axis=1) for each in nodules}
    return [name for name, distances_mm in away.items() if not (distances_mm < 5).any()]


def false_boxes(nodules: tuple[PhantomNodule, ...], found: tuple[Nodule, ...]) -> int:
    centers = np.array([each.center_lps_mm for each in nodules])
    return sum(np.linalg.norm(centers - each.center_lps_mm, axis=1).min() > 10 for each in found)


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS.keys())
def test_the_nodules_of_another_phantom_are_found_where_they_lie(
    direction: tuple[Triple, Triple, Triple], phantom_detector: Path, tmp_path: Path
) -> None:
    scan = write_nifti(phantom(direction), tmp_path / "scan.nii.gz")
    table = tmp_path / "nodules.csv"
    options = ["--bundle", str(phantom_detector), "--min-score", str(MIN_SCORE)]
    assert run(["detect", str(scan), *options, "-o", str(table), "--quiet"]) == 0
    found = read_nodules(table).nodules
    assert missed(phantom().nodules, found) == []
    assert false_boxes(phantom().nodules, found) <= 6


@pytest.mark.slow
def test_a_study_is_searched_and_scored_in_one_command_as_in_two(phantom_detector: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    write_dicom_series(phantom(), study)
    options = ["--min-score", str(MIN_SCORE), "--device", "cpu"]
    at_once = [str(study), "--detector", str(phantom_detector), *options, "-o", str(tmp_path / "once"), "--sr"]
    done = subprocess.run(
        [sys.executable, "-m", "nodulus", "infer", *at_once], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "nodules from detection_bundle, positions in LPS (implied); found by lung_nodule_ct_detection" in done.stdout
    table = tmp_path / "nodules.csv"
    assert run(["detect", str(study), "--bundle", str(phantom_detector), *options, "-o", str(table), "-q"]) == 0
    in_two = ["infer", str(study), "--nodules", str(table), "--device", "cpu", "-o", str(tmp_path / "two"), "-q"]
    assert run(in_two) == 0
    once, two = (_case(tmp_path / name) for name in ("once", "two"))
    assert missed(phantom().nodules, read_nodules(table).nodules) == []
    for here, there in zip(once.nodules, two.nodules, strict=True):
        assert here.probabilities is not None
        assert there.probabilities is not None
        assert here.probabilities.malignant == pytest.approx(there.probabilities.malignant, abs=1e-3)
    assert (tmp_path / "once" / "sr.dcm").is_file()


@pytest.mark.slow
def test_small_windows_and_bfloat16_find_them_too(phantom_detector: Path, tmp_path: Path) -> None:
    scan = write_nifti(phantom(), tmp_path / "scan.nii.gz")
    table = tmp_path / "nodules.csv"
    options = ["--min-score", str(MIN_SCORE), "--memory", "0.12", "--bf16"]
    assert run(["detect", str(scan), "--bundle", str(phantom_detector), *options, "-o", str(table), "-q"]) == 0
    assert len(missed(phantom().nodules, read_nodules(table).nodules)) <= 1


def _case(folder: Path) -> CaseResult:
    (case,) = read_results(folder / "results.json").cases
    return case
