"""Scores at another prevalence: every door gives the same, and no file shows one without saying so."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow
from pydicom import dcmread

from nodulus.pipeline import Scorer
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from nodulus.pipeline.results.record import CaseResult, read_results
from nodulus.pipeline.writers.key_images import _caption
from nodulus.pipeline.writers.run_page import write_run_page
from tests.support.faces import told_by_fhir, told_by_report
from tests.support.results import run_of, scored_case, scored_nodule

ASKED, CALIBRATED = 0.01, 67 / 141
SHIFT = PrevalenceShift(asked=ASKED, calibrated=CALIBRATED)
WORDS = "at a prevalence of 1 % malignant nodules, by Bayes' rule from the 47.5 %"


@pytest.fixture(scope="module")
def plain(study: DemoStudy, bundle: Path) -> CaseResult:
    return Scorer(bundle, device="cpu", stability=True, explain=True).score(study.dicom_folder, study.nodule_table)


@pytest.fixture(scope="module")
def moved_folder(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("moved")
    files = ["--report", "--sr", "--fhir", "--key-images", "--stability", "--explain", "--no-measures"]
    options = ["--nodules", str(study.nodule_table), "-o", str(out), "--prevalence", str(ASKED), *files]
    with pytest.MonkeyPatch.context() as patch, open(out / "console.txt", "w") as console:  # noqa: PTH123 - a stream
        patch.setattr("sys.stdout", console)
        assert run(["infer", str(study.dicom_folder), *options]) == 0
    return out, (out / "console.txt").read_text()


def test_every_probability_is_moved_by_bayes_rule_and_no_call_changes(
    plain: CaseResult, moved_folder: tuple[Path, str]
) -> None:
    (case,) = read_results(moved_folder[0] / "results.json").cases
    for before, after in zip(plain.nodules, case.nodules, strict=True):
        assert before.probabilities is not None
        assert after.probabilities is not None
        assert after.probabilities.malignant == pytest.approx(SHIFT.probability(before.probabilities.malignant))
        assert before.size_only is not None
        assert after.size_only is not None
        assert after.size_only.malignant == pytest.approx(SHIFT.probability(before.size_only.malignant))
        assert (before.stability is not None, after.stability is not None) == (True, True)
        assert after.stability.high == pytest.approx(SHIFT.probability(before.stability.high))  # type: ignore[union-attr,arg-type]
        assert after.above == before.above
        assert (before.prevalence, after.prevalence) == (None, SHIFT)
        sums = after.explanation
        assert sums is not None
        assert sums.average + sum(sums.parts.values()) + sums.remainder == pytest.approx(sums.logit)


def test_the_thresholds_of_the_record_are_of_that_prevalence_too(bundle: Path, moved_folder: tuple[Path, str]) -> None:
    run_record = read_results(moved_folder[0] / "results.json")
    assert run_record.bundle.prevalence == SHIFT
    assert run_record.run is not None
    assert run_record.run.options["prevalence"] == ASKED
    for point, before in zip(
        run_record.bundle.operating_points, Scorer(bundle, device="cpu").identity.operating_points, strict=True
    ):
        assert point.threshold == pytest.approx(SHIFT.probability(before.threshold))
        assert point.sensitivity == before.sensitivity
        for nodule in run_record.cases[0].nodules:
            assert nodule.probabilities is not None
            assert nodule.above[point.name] == (nodule.probabilities.malignant >= point.threshold)


def test_no_file_shows_a_moved_score_without_saying_so(moved_folder: tuple[Path, str]) -> None:
    out, console = moved_folder
    assert WORDS in " ".join(console.split())
    assert "malignant at 1 %" in console
    with (out / "results.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {(row["prevalence"], row["calibrated_prevalence"]) for row in rows} == {("0.01", "0.475177")}
    page = (out / "report.html").read_text()
    assert page.count("malignant at 1 %") == 1
    assert page.count('data-field="prevalence.asked"') == len(rows)
    assert "too high" not in page
    for nodule in (*told_by_report(dcmread(out / "sr.dcm")), *told_by_fhir((out / "fhir.json").read_text())):
        assert nodule["prevalence"] == pytest.approx(ASKED)
        assert nodule["calibrated at"] == pytest.approx(CALIBRATED, rel=1e-5)
    entries = [entry["resource"] for entry in json.loads((out / "fhir.json").read_text())["entry"]]
    (report,) = [each for each in entries if each["resourceType"] == "DiagnosticReport"]
    assert WORDS in report["conclusion"]
    for each in entries:
        if each["resourceType"] == "Observation":
            assert any(WORDS in note["text"] for note in each["note"])
    assert WORDS.encode() in (out / "sr.dcm").read_bytes()
    (case,) = read_results(out / "results.json").cases
    assert all("Scores at a prevalence of 1 %" in str(_caption(nodule).scan) for nodule in case.nodules)
    assert len(list((out / "key_images").iterdir())) == len(case.nodules)


@pytest.mark.slow
def test_moved_objects_have_uids_of_their_own(study: DemoStudy, moved_folder: tuple[Path, str], tmp_path: Path) -> None:
    options = ["--nodules", str(study.nodule_table), "-o", str(tmp_path), "--stability", "--explain", "--no-measures"]
    assert run(["infer", str(study.dicom_folder), *options, "--sr", "--quiet"]) == 0
    assert dcmread(tmp_path / "sr.dcm").SOPInstanceUID != dcmread(moved_folder[0] / "sr.dcm").SOPInstanceUID


def test_nothing_speaks_of_a_prevalence_where_none_was_asked_for(plain: CaseResult) -> None:
    assert all(nodule.prevalence is None for nodule in plain.nodules)
    assert "prevalence" not in Scorer(None, device="cpu").identity.score_meaning


def test_monais_command_gives_the_same(
    study: DemoStudy, bundle: Path, moved_folder: tuple[Path, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.json"),
        meta_file=None,
        logging_file=False,
        workflow_type="infer",
        bundle_root=str(bundle),
        image=str(study.dicom_folder),
        nodules=str(study.nodule_table),
        output_dir=str(tmp_path),
        device="$torch.device('cpu')",
        prevalence=ASKED,
    )
    workflow.initialize()
    with caplog.at_level(logging.INFO):
        workflow.run()
    found, expected = read_results(tmp_path / "results.json"), read_results(moved_folder[0] / "results.json")
    assert found.bundle == expected.bundle
    for one, other in zip(found.cases[0].nodules, expected.cases[0].nodules, strict=True):
        assert _probability(one) == pytest.approx(_probability(other), abs=1e-6)
        assert (one.above, one.prevalence) == (other.above, other.prevalence)
    assert WORDS in caplog.text


def _probability(nodule: Any) -> float:
    return float(nodule.probabilities.malignant)


@pytest.mark.parametrize("asked", ["0", "1", "-1", "2"])
def test_what_is_no_share_is_refused_in_one_line(
    study: DemoStudy, tmp_path: Path, asked: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--nodules", str(study.nodule_table), "-o", str(tmp_path / "out"), "--prevalence", asked]
    assert run(["infer", str(study.nifti), *options]) == 2
    assert "Expected a prevalence above 0 and below 1, such as 0.01, got" in capfd.readouterr().err


def test_a_run_at_another_prevalence_is_another_run(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--nodules", str(study.nodule_table), "-o", str(tmp_path), "--quiet", "--no-measures"]
    assert run(["infer", str(study.nifti), *options, "--prevalence", "0.1"]) == 0
    assert run(["infer", str(study.nifti), *options, "--prevalence", "0.2", "--resume"]) == 2
    assert "--prevalence" in capfd.readouterr().err


def test_the_page_of_many_cases_heads_its_scores_with_the_prevalence(tmp_path: Path) -> None:
    cases = [scored_case(scored_nodule("a", prevalence=SHIFT), case_id=name) for name in ("one", "two")]
    record = run_of(*cases)
    moved = record.model_copy(update={"bundle": record.bundle.model_copy(update={"prevalence": SHIFT})})
    assert "highest score at 1 %" in write_run_page(moved, tmp_path).read_text()
    assert "highest score<" in write_run_page(record, tmp_path).read_text()
