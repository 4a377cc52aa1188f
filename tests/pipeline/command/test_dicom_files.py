"""`nodulus infer` writes reports and key images of DICOM scans, and says in a line where there can be none."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results

PLACE = ["--point", "72,-14,59", "--diameter", "16"]
BOTH = ["--sr", "--key-images"]


def test_files_of_one_scan_lie_beside_its_results(study: DemoStudy, tmp_path: Path) -> None:
    assert run(["infer", str(study.dicom_folder), *PLACE, *BOTH, "-o", str(tmp_path), "-q"]) == 0
    (case,) = read_results(tmp_path / "results.json").cases
    assert case.files == ("sr.dcm", "key_images/1.dcm")
    scan = dcmread(next(study.dicom_folder.iterdir()))
    written = [dcmread(tmp_path / name) for name in case.files]
    assert {one.StudyInstanceUID for one in written} == {scan.StudyInstanceUID}
    assert {one.PatientID for one in written} == {scan.PatientID}
    assert len({one.SeriesInstanceUID for one in (*written, scan)}) == 3


def test_a_later_report_names_the_one_whose_place_it_takes(study: DemoStudy, tmp_path: Path) -> None:
    command = ["infer", str(study.dicom_folder), "--sr", "-o", str(tmp_path), "-q"]
    assert run([*command, *PLACE]) == 0
    before = dcmread(tmp_path / "sr.dcm")
    assert "PredecessorDocumentsSequence" not in before
    other = ["--point", "72,-14,59", "--diameter", "17"]
    assert run([*command, *other, "--revises", str(tmp_path / "sr.dcm")]) == 0
    after = dcmread(tmp_path / "sr.dcm")
    (study_item,) = after.PredecessorDocumentsSequence
    named = study_item.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    assert named == before.SOPInstanceUID != after.SOPInstanceUID


def test_a_nifti_scan_has_no_images_to_refer_to(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["infer", str(study.nifti), *PLACE, "--sr", "-o", str(tmp_path)]) == 2
    said = capfd.readouterr().err
    assert said == f"nodulus: Expected a DICOM scan, whose images --sr refers to, got {study.nifti}\n"
    assert list(tmp_path.iterdir()) == []


def test_in_a_batch_a_nifti_scan_costs_its_own_report(study: DemoStudy, tmp_path: Path) -> None:
    rows = [f"p1,{study.dicom_folder},1,72,-14,59,16", f"p2,{study.nifti},1,72,-14,59,16"]
    table = tmp_path / "cases.csv"
    table.write_text("\n".join(["case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm", *rows]) + "\n")
    assert run(["infer", str(table), "--sr", "-o", str(tmp_path / "out"), "-q"]) == 0
    one, other = read_results(tmp_path / "out" / "results.json").cases
    assert one.files == ("cases/p1/sr.dcm",)
    assert other.files == ()
    assert [warning.message for warning in other.warnings if warning.code == "not_dicom"] == [
        "sr.dcm was not written: Expected a DICOM scan to refer to, got one of another format"
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Expected --sr beside --revises, got none"),
        (["--sr"], "Expected a report (DICOM SR), got something else in "),
    ],
)
def test_what_cannot_be_revised_is_said(
    study: DemoStudy, tmp_path: Path, options: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["infer", str(study.dicom_folder), *PLACE, "-o", str(tmp_path), *options]
    assert run([*command, "--revises", str(study.nodule_table)]) == 2
    assert said in capfd.readouterr().err
