"""A case as a FHIR R5 bundle: a report, an observation a nodule, where each is, and the algorithm."""

from __future__ import annotations

import json
from pathlib import Path

from nodulus.pipeline.files import write_text
from nodulus.pipeline.results.record import CaseResult, Results
from nodulus.transforms.volume import CTVolume

from .fhir_nodule import observation, selection
from .fhir_parts import OWN_SYSTEM, Resource, concept, dicom_uid, names, reference, resource_id
from .patient_and_study import patient_and_study
from .scored_case import ScoredCase

FHIR = "fhir.json"
CT_CHEST = {"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}


def write_fhir(scored: ScoredCase, folder: Path) -> tuple[Path, ...]:
    """Write fhir.json, a FHIR R5 Bundle of the type collection, and return its path.

    Nobody has confirmed the findings: report and observations are preliminary. It refers to the study by its UID, and
    to the patient only where identifiers were asked for.

    Raises:
        UsageError: the file cannot be written.
    """
    text = json.dumps(case_bundle(scored), indent=2, ensure_ascii=False, allow_nan=False)
    return (write_text(folder / FHIR, f"{text}\n"),)


def case_bundle(scored: ScoredCase) -> Resource:
    """Return the bundle of a case as plain JSON data."""
    run, case, volume = scored.run, scored.result, scored.volume
    scan = case.case_id if volume is None else str(volume.attributes.get("series_uid") or case.case_id)
    whose = _subject(volume) if scored.with_identifiers and volume is not None else {}
    device = _device(run)
    observations, selections = [], []
    for nodule in case.nodules:
        marked = None if volume is None else selection(nodule, volume, scan, whose)
        selections += [] if marked is None else [marked]
        about = {**whose, "issued": run.created, "device": reference(device)}
        source = {} if marked is None else {"derivedFrom": [reference(marked)]}
        observations.append(observation(nodule, scan, {**about, **source}))
    report = _report(run, case, volume, scan, {**whose, "result": [reference(each) for each in observations]})
    entries = [report, *observations, *selections, device]
    return {
        "resourceType": "Bundle",
        "id": resource_id("bundle", scan),
        "type": "collection",
        "timestamp": run.created,
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in entries],
    }


def _report(run: Results, case: CaseResult, volume: CTVolume | None, scan: str, about: Resource) -> Resource:
    """Return the report: cancelled where the scan was refused, and why; else what a score means, and the warnings."""
    study = "" if volume is None else str(volume.attributes.get("study_uid", ""))
    problems = [] if case.problem is None else [f"{case.status}: {case.problem.code}: {case.problem.message}"]
    warnings = [f"warning: {warning.code}: {warning.message}" for warning in case.warnings]
    meaning = [run.bundle.score_meaning] if case.status == "scored" else []
    return {
        "resourceType": "DiagnosticReport",
        "id": resource_id("report", scan),
        **({"identifier": named} if (named := names(case.case_id)) else {}),
        "status": "preliminary" if case.status == "scored" else "cancelled",
        "code": concept(CT_CHEST),
        "issued": run.created,
        **({"study": [{"type": "ImagingStudy", "identifier": dicom_uid(study)}]} if study else {}),
        **{key: value for key, value in about.items() if value},
        "conclusion": "\n".join([*meaning, *problems, *warnings]),
    }


def _device(run: Results) -> Resource:
    """Return the algorithm: the software, the bundle, and the hash of the weights."""
    versions = {"software": f"{run.software.name} {run.software.version}", "bundle": run.bundle.version}
    return {
        "resourceType": "Device",
        "id": resource_id("device", run.software.version, run.bundle.name, run.bundle.weights_sha256),
        "identifier": [{"system": f"{OWN_SYSTEM}.1", "value": f"sha256:{run.bundle.weights_sha256}"}],
        "name": [{"value": run.bundle.name, "type": "user-friendly-name", "display": True}],
        "version": [{"type": {"text": what}, "value": value} for what, value in versions.items()],
    }


def _subject(volume: CTVolume) -> Resource:
    """Return who was scanned, as the headers tell: a reference by name and number alone."""
    if volume.read_header is None:
        return {}
    patient = patient_and_study(volume.read_header(0))
    if not str(patient.PatientID):
        return {}
    issuer = str(patient.get("IssuerOfPatientID", ""))
    assigned = {"assigner": {"display": issuer}} if issuer else {}
    name = {"display": str(patient.PatientName)} if str(patient.PatientName) else {}
    return {"subject": {"type": "Patient", "identifier": {"value": str(patient.PatientID), **assigned}, **name}}
