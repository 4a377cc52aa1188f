"""Every command of the page on detection runs, with a detector that was trained on phantoms."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "detect.md"


@pytest.mark.slow
def test_every_command_of_the_page_runs(
    study: DemoStudy, phantom_detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"SCAN": str(study.dicom_folder), "DETECTOR": str(phantom_detector)}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)  # the block of Python reads them
    for block in blocks(PAGE):
        run_block(block, tmp_path, **variables)
    assert read_nodules(tmp_path / "nodules.csv").nodules
    assert len(list((tmp_path / "pictures").glob("*.png"))) == len(read_nodules(tmp_path / "nodules.csv").nodules)
    for name in ("table", "detected"):
        (case,) = read_results(tmp_path / "out" / name / "results.json").cases
        assert case.nodules
