"""Every door opens a scan once, whatever it does with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow

from nodulus.pipeline import Case, Scorer, Worklist
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.transforms.scan import open as opening
from nodulus.transforms.volume import CTVolume

Door = Callable[[Path, DemoStudy, Path, Path], object]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the places that are opened from now on, in their order."""
    places: list[Path] = []
    original = opening._open

    def noted(place: Path, *options: Any) -> CTVolume:
        places.append(place)
        return original(place, *options)

    monkeypatch.setattr(opening, "_open", noted)
    return places


def run_bundle(scan: Path, study: DemoStudy, bundle: Path, out: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.json"),
        workflow_type="infer",
        bundle_root=str(bundle),
        image=str(scan),
        nodules=str(study.nodule_table),
        output_dir=str(out),
    )
    workflow.initialize()
    workflow.run()


def of_table(command: str) -> Door:
    return lambda scan, study, bundle, out: run(
        [command, str(scan), "--nodules", str(study.nodule_table), "-o", str(out)]
    )


def at_point(scan: Path, study: DemoStudy, bundle: Path, out: Path) -> None:
    point = ",".join(map(str, study.marked.nodules[0].center_lps_mm))
    run(["infer", str(scan), "--point", point, "--diameter", "9", "-o", str(out)])


def of_cases(scan: Path, study: DemoStudy, bundle: Path, out: Path) -> None:
    case = Case("a", scan, study.marked.nodules)
    list(Scorer(bundle, device="cpu").score_many([case, Case("b", scan, study.marked.nodules[:1])]))


def of_worklist(scan: Path, study: DemoStudy, bundle: Path, out: Path) -> None:
    worklist = Worklist(str(scan), str(study.nodule_table))
    assert worklist.cases == worklist.cases
    assert len(worklist.items) == len(worklist.items)


DOORS: dict[str, Door] = {
    "infer --nodules": of_table("infer"),
    "infer --point": at_point,
    "check --nodules": of_table("check"),
    "check": lambda scan, study, bundle, out: run(["check", str(scan)]),
    "monai.bundle run": run_bundle,
    "Scorer.score": lambda scan, study, bundle, out: Scorer(bundle, device="cpu").score(scan, study.nodule_table),
    "Scorer.score of nodules": lambda scan, study, bundle, out: Scorer(bundle).score(scan, study.marked.nodules),
    "Scorer.score_many": of_cases,
    "Worklist": of_worklist,
}


@pytest.mark.parametrize("form", ["dicom", "nifti"])
@pytest.mark.parametrize("door", DOORS)
def test_a_scan_is_opened_once(
    door: str, form: str, study: DemoStudy, bundle: Path, tmp_path: Path, opened: list[Path]
) -> None:
    scan = study.dicom_folder if form == "dicom" else study.nifti
    DOORS[door](scan, study, bundle, tmp_path / "out")
    assert opened == [scan]


@pytest.mark.parametrize("door", ["infer --nodules", "infer --point", "check --nodules", "Worklist"])
def test_a_scan_that_is_refused_is_not_tried_again(
    door: str, study: DemoStudy, bundle: Path, tmp_path: Path, opened: list[Path]
) -> None:
    (tmp_path / "empty").mkdir()
    DOORS[door](tmp_path / "empty", study, bundle, tmp_path / "out")
    assert opened == [tmp_path / "empty"]


def test_the_demo_opens_its_study_once(tmp_path: Path, opened: list[Path]) -> None:
    assert run(["demo", "-o", str(tmp_path)]) == 0
    assert opened == [tmp_path / "study" / "dicom"]


def test_a_scorer_opens_a_scan_again_when_its_files_have_changed(
    study: DemoStudy, bundle: Path, tmp_path: Path, opened: list[Path]
) -> None:
    scan = tmp_path / "scan.nii.gz"
    scan.write_bytes(study.nifti.read_bytes())
    scorer = Scorer(bundle, device="cpu")
    first = scorer.score(scan, study.nodule_table)
    assert scorer.score(scan, study.nodule_table) == first
    assert (len(opened), scorer.scans.n_opened) == (1, 1)
    scan.write_bytes(study.nifti.read_bytes())
    assert scorer.score(scan, study.nodule_table) == first
    assert (len(opened), scorer.scans.n_opened) == (2, 2)
    Scorer(bundle, device="cpu").score(scan, study.nodule_table)
    assert len(opened) == 3
