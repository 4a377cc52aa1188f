"""From a scan through a detection bundle to scores: in one command as in two, and as the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from nodulus.pipeline.command.main import run
from nodulus.pipeline.detection.detector import Detector
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import CaseResult, read_results
from nodulus.transforms.patches.patient_axes import patient_axes
from nodulus.transforms.scan.open import open_ct
from tests.support.detection_bundle import SMALL, write_bundle
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks
from tests.support.planted_network import SureOfPlaces

PAGE = ROOT / "docs" / "how-to" / "detect.md"
MARKED = (1, 3)  # of the phantom's nodules, those of 24 and 16 mm


@pytest.fixture(scope="module")
def planted(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a detection bundle whose network is sure of two nodules of the study."""
    _, affine_ras = patient_axes(open_ct(study.dicom_folder).grid, SMALL.spacing_mm)
    centers_ras_mm = [np.multiply(study.marked.nodules[n].center_lps_mm, (-1, -1, 1)) for n in MARKED]
    middles = [torch.from_numpy((at - affine_ras[:3, 3]) / np.diag(affine_ras)[:3]) for at in centers_ras_mm]
    make = Detector.__init__

    def make_sure(self: Detector, *place: str | Path, **options: object) -> None:
        make(self, *place, **options)  # type: ignore[arg-type]  # passed on as they come
        self.network = SureOfPlaces(middles)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detector, "__init__", make_sure)
        yield write_bundle(tmp_path_factory.mktemp("planted"), SMALL)


def case_of(folder: Path) -> CaseResult:
    (case,) = read_results(folder / "results.json").cases
    return case


def test_one_command_scores_what_two_do(study: DemoStudy, planted: Path, tmp_path: Path) -> None:
    scan, table = str(study.dicom_folder), tmp_path / "nodules.csv"
    assert run(["infer", scan, "--detector", str(planted), "-o", str(tmp_path / "once"), "--sr", "-q"]) == 0
    assert run(["detect", scan, "--bundle", str(planted), "-o", str(table), "-q"]) == 0
    assert run(["infer", scan, "--nodules", str(table), "-o", str(tmp_path / "two"), "-q"]) == 0
    once, two = case_of(tmp_path / "once"), case_of(tmp_path / "two")
    found = {nodule.nodule_id: nodule for nodule in read_nodules(table).nodules}
    assert len(once.nodules) == len(MARKED)
    for here, there in zip(once.nodules, two.nodules, strict=True):
        assert here.probabilities is not None
        assert there.probabilities is not None
        assert here.probabilities.malignant == pytest.approx(there.probabilities.malignant, abs=1e-3)
        assert found[here.nodule_id].detection_score == pytest.approx(0.9933, abs=1e-3)
    marked = [study.marked.nodules[n].center_lps_mm for n in MARKED]
    for center in marked:
        away_mm = [np.linalg.norm(np.subtract(nodule.center_lps_mm, center)) for nodule in once.nodules]
        assert min(away_mm) < 0.5
    assert (tmp_path / "once" / "sr.dcm").is_file()


@pytest.mark.slow
def test_every_command_of_the_page_runs(
    study: DemoStudy, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"SCAN": str(study.dicom_folder), "DETECTOR": str(planted)}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)  # the block of Python reads them
    for block in blocks(PAGE):
        run_block(block, tmp_path, **variables)
    assert len(read_nodules(tmp_path / "nodules.csv").nodules) == len(MARKED)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == len(MARKED)
    for name in ("table", "detected"):
        assert len(case_of(tmp_path / "out" / name).nodules) == len(MARKED)
