"""The files that `nodulus infer` is asked for: FHIR with and without the patient, and whom else it may name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fhir.resources.bundle import Bundle
from pydicom import dcmread

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy


def arguments(study: DemoStudy, out: Path, *more: str) -> list[str]:
    return [
        "infer", str(study.dicom_folder), "--nodules", str(study.nodule_table), "-o", str(out), "--quiet", *more,
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("is_named", [False, True])
def test_fhir_holds_all_that_was_asked_for_and_names_the_patient_when_told_to(
    is_named: bool, study: DemoStudy, tmp_path: Path
) -> None:
    more = ["--stability", "--with-identifiers"] if is_named else ["--stability"]
    assert run(arguments(study, tmp_path, "--fhir", *more)) == 0
    text = (tmp_path / "fhir.json").read_text(encoding="utf-8")
    Bundle.model_validate(json.loads(text))
    header = dcmread(next(study.dicom_folder.iterdir()), stop_before_pixels=True)
    report, *others = [entry["resource"] for entry in json.loads(text)["entry"]]
    assert (report["resourceType"], "subject" in report) == ("DiagnosticReport", is_named)
    assert (str(header.PatientName) in text) == is_named
    (case,) = json.loads((tmp_path / "results.json").read_text())["cases"]
    assert case["files"] == ["fhir.json"]
    observed = [each for each in others if each["resourceType"] == "Observation"]
    assert [each["code"]["text"] for each in observed] == [each["nodule_id"] for each in case["nodules"]]
    for each, nodule in zip(observed, case["nodules"], strict=True):
        values = {part["code"]["coding"][-1]["code"]: part for part in each["component"]}
        assert values["malignant"]["valueQuantity"]["value"] == nodule["probabilities"]["malignant"]
        assert values["malignant_low"]["valueQuantity"]["value"] == nodule["stability"]["low"]
        assert values["118565006"]["valueQuantity"]["value"] == nodule["measures"]["volume_mm3"]
        assert values["118565006"]["code"]["text"] == "Volume: From a segmentation and from the diameter given"
        assert values["long_axis"]["code"]["text"].endswith("Measured on a segmentation of the nodule")


def test_identifiers_need_a_file_that_can_hold_them(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments(study, tmp_path / "out", "--sr", "--with-identifiers")) == 2
    assert "Expected --report or --fhir beside --with-identifiers" in capfd.readouterr().err
