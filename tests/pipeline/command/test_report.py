"""`nodulus infer --report`: a page a case, of the record, without who the patient is unless that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.html_outline import Outline

PATIENT = ("PHANTOM NODULUS", "NODULUS-PHANTOM")


def infer(study: DemoStudy, out: Path, *options: str) -> int:
    return run(["infer", str(study.dicom_folder), "--nodules", str(study.nodule_table), "-o", str(out), *options])


def test_the_page_of_a_scan_holds_its_scores_and_no_identifiers(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert infer(study, tmp_path, "--report", "--case", "phantom") in (0, 2)
    assert infer(study, tmp_path, "--report") == 0
    assert f"wrote {tmp_path / 'report.html'}" in capfd.readouterr().out.replace("\n", "")
    (case,) = read_results(tmp_path / "results.json").cases
    assert case.files == ("report.html",)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = [float(str(one["value"])) for field, _, one in Outline(page).fields() if field == "probabilities.malignant"]
    assert shown == [nodule.probabilities.malignant for nodule in case.nodules if nodule.probabilities]
    assert page.count("<image class") == 3 * len(case.nodules)
    for word in (*PATIENT, "PHANTOM^", str(study.dicom_folder.parent)):
        assert word not in page


def test_who_the_patient_is_stands_there_where_it_was_asked_for(study: DemoStudy, tmp_path: Path) -> None:
    assert infer(study, tmp_path, "--report", "--with-identifiers") == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8").replace("<wbr>", "")
    assert all(word in page for word in PATIENT)
    assert "not stated" in page  # the birth date
    assert not any(word in (tmp_path / "results.json").read_text() for word in PATIENT)


def test_identifiers_without_a_file_that_shows_them_are_a_wrong_call(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert infer(study, tmp_path / "out", "--with-identifiers") == 2
    assert "--report" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_refused_scan_has_a_page_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a scan")
    place = ["--point", "1,2,3", "--diameter", "9", "--report", "--with-identifiers"]
    assert run(["infer", str(tmp_path / "notes.txt"), *place, "-o", str(tmp_path / "out")]) == 3
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ">unreadable</span>" in page
    assert ">not stated<" in page.replace("<bdi>", "").replace("</bdi>", "")
    assert "probabilities" not in page


def test_many_cases_have_a_page_each_and_one_that_leads_to_them(study: DemoStudy, tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    rows = [f"{name},{scan},1,72,-14,59,16" for name, scan in (("a/b", study.nifti), ("c", tmp_path / "none.nii"))]
    table.write_text("\n".join(["case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm", *rows]))
    out = tmp_path / "out"
    assert run(["infer", str(table), "-o", str(out), "--report"]) == 4
    links = [str(one["href"]) for one in Outline((out / "report.html").read_text(encoding="utf-8")).named("a")]
    assert links == [name for case in read_results(out / "results.json").cases for name in case.files]
    assert len(links) == 2
    assert all((out / link).is_file() for link in links)
    before = (out / links[0]).stat().st_mtime_ns
    assert run(["infer", str(table), "-o", str(out), "--report", "--resume"]) == 4
    assert (out / links[0]).stat().st_mtime_ns == before


@pytest.mark.parametrize("options", [(), ("--report",)])
def test_a_folder_that_holds_an_evaluation_is_refused_and_stays_as_it_is(
    options: tuple[str, ...], study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    evaluation = {"metrics.json": "{}", "nodules.csv": "nodule_id", "report.html": "<!DOCTYPE html>"}
    for name, text in evaluation.items():
        (tmp_path / name).write_text(text)
    assert infer(study, tmp_path, *options) == 2
    assert capfd.readouterr().err == (
        f"nodulus: Expected a folder for scores, got {tmp_path}, which holds an evaluation (metrics.json): "
        "both call their page report.html, so give each a folder of its own\n"
    )
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == evaluation
