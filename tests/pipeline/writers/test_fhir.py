"""The FHIR bundle is one for FHIR's own models, points at the scan, and names nobody unasked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from hypothesis import example, given, settings

from nodulus.pipeline.results.record import CaseResult, ProblemRecord
from nodulus.pipeline.writers.fhir import case_bundle, write_fhir
from nodulus.pipeline.writers.scored_case import ScoredCase
from tests.support.generated_cases import generated_case
from tests.support.results import case_results, run_of, scored_case, scored_nodule

pytestmark = pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value")


# A case whose headers tell who was scanned.
NAMED = 9


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


@settings(max_examples=60, deadline=None)
@given(case_results())
@example(scored_case(case_id="\N{NO-BREAK SPACE}"))
def test_every_record_makes_a_bundle_that_the_models_take(case: CaseResult) -> None:
    bundle = case_bundle(ScoredCase(run_of(case)))
    Bundle.model_validate(json.loads(json.dumps(bundle)))
    assert len(resources(bundle, "Observation")) == len(case.nodules)


@pytest.mark.parametrize("seed", range(1, 11))
def test_each_nodule_is_selected_on_the_image_through_its_centre(seed: int, tmp_path: Path) -> None:
    case = generated_case(seed, tmp_path)
    (path,) = write_fhir(case.scored, tmp_path)
    bundle = json.loads(path.read_text(encoding="utf-8"))
    Bundle.model_validate(bundle)
    selected = {each["code"]["text"]: each for each in resources(bundle, "ImagingSelection")}
    inside = [each for each in case.scored.result.nodules if case.volume.grid.contains_lps(each.center_lps_mm)]
    assert set(selected) == {nodule.nodule_id for nodule in inside}
    for nodule in inside:
        (instance,) = selected[nodule.nodule_id]["instance"]
        k = round(float(case.volume.grid.voxel_from_lps(nodule.center_lps_mm)[2]))
        assert instance["uid"] == case.volume.slices[k].sop_instance_uid
        assert instance.get("subset") == (
            None if case.volume.slices[k].frame_number is None else [str(case.volume.slices[k].frame_number)]
        )
        assert tuple(instance["imageRegion3D"][0]["coordinate"]) == nodule.center_lps_mm


def test_every_reference_is_to_a_resource_that_is_there(tmp_path: Path) -> None:
    bundle = case_bundle(generated_case(5, tmp_path).scored)
    known = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(known) == len(bundle["entry"])
    referred = set(references(bundle))
    assert referred <= known
    assert known - referred == {f"urn:uuid:{resources(bundle, 'DiagnosticReport')[0]['id']}"}


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["reference"]] if "reference" in part else []
        return own + [one for each in part.values() for one in references(each)]
    return [one for each in part for one in references(each)] if isinstance(part, list) else []


def test_nobody_is_named_unless_asked(tmp_path: Path) -> None:
    case = generated_case(NAMED, tmp_path)
    assert case.volume.read_header is not None
    header = case.volume.read_header(0)
    said = json.dumps(case_bundle(case.scored), ensure_ascii=False)
    assert str(header.PatientID) not in said.replace(str(header.StudyInstanceUID), "")
    assert str(header.PatientName) not in said
    asked = case_bundle(replace(case.scored, with_identifiers=True))
    Bundle.model_validate(json.loads(json.dumps(asked)))
    subjects = [each["subject"] for kind in ("DiagnosticReport", "Observation") for each in resources(asked, kind)]
    assert {subject["identifier"]["value"] for subject in subjects} == {str(header.PatientID)}
    assert {subject["display"] for subject in subjects} == {str(header.PatientName)}


def test_a_refused_scan_is_a_cancelled_report_that_says_why() -> None:
    gap = ProblemRecord(code="missing_slices", message="Expected 2.5 mm, got 5 mm")
    place = scored_nodule(probabilities=None, size_only=None, above={}, characteristics={})
    bundle = case_bundle(ScoredCase(run_of(scored_case(place, status="refused", problem=gap))))
    (report,) = resources(bundle, "DiagnosticReport")
    assert (report["status"], report["conclusion"]) == (
        "cancelled",
        "refused: missing_slices: Expected 2.5 mm, got 5 mm",
    )
    (nodule,) = resources(bundle, "Observation")
    score = [each for each in nodule["component"] if "dataAbsentReason" in each]
    assert len(score) == 1


def test_the_same_case_has_the_same_resources_in_every_run(tmp_path: Path) -> None:
    case = generated_case(7, tmp_path)
    again = generated_case(7, tmp_path / "again")
    assert case_bundle(case.scored) == case_bundle(replace(again.scored, run=case.scored.run))
