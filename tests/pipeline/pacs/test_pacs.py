"""A study goes from a real Orthanc through nodulus and back: once, whole, and in spite of what breaks on the way."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_objects import measured, write_rtstruct, write_seg, write_sr
from tests.support.faulty_archive import Faults, faulty_archive
from tests.support.orthanc import free_port, running_orthanc, store

CENTER_LPS_MM, DIAMETER_MM = np.array([72.0, -14.0, 59.0]), 16.0


@pytest.fixture
def pacs(study: DemoStudy, tmp_path: Path) -> Iterator[str]:
    with running_orthanc(tmp_path / "pacs") as address:
        store(address, sorted(study.dicom_folder.iterdir()))
        yield address


@pytest.fixture
def command(study: DemoStudy, tmp_path: Path) -> list[str]:
    uid = dcmread(next(study.dicom_folder.iterdir())).StudyInstanceUID
    return ["--study", uid, "-o", str(tmp_path / "out")]


def pacs_of(address: str) -> list[str]:
    return ["pacs", f"{address}/dicom-web"]


def listed(address: str) -> list[dict[str, Any]]:
    """Return modality and UIDs of all objects that the PACS finds by QIDO."""
    query = f"{address}/dicom-web/instances?includefield=00080060"
    with urllib.request.urlopen(query, timeout=60) as answer:
        found = json.loads(answer.read())
    names = {"modality": "00080060", "study": "0020000D", "series": "0020000E", "instance": "00080018"}
    return [{name: each[tag]["Value"][0] for name, tag in names.items()} for each in found]


def results_in(address: str) -> dict[str, int]:
    modalities = [each["modality"] for each in listed(address)]
    return {name: modalities.count(name) for name in ("SR", "OT")}


def write_marks(kind: str, study: DemoStudy, path: Path) -> Path:
    """Write an object that marks the known nodule in the study."""
    slices = [dcmread(each) for each in sorted(study.dicom_folder.iterdir())]
    if kind == "SR":
        frame_uid = slices[0].FrameOfReferenceUID
        return write_sr(path, slices, [measured("1", "POINT", CENTER_LPS_MM[None], frame_uid, DIAMETER_MM)])
    grid = open_ct(study.dicom_folder).grid
    if kind == "RTSTRUCT":
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=-1)
        heights = [float(each.ImagePositionPatient[2]) - CENTER_LPS_MM[2] for each in slices]
        near = [height for height in heights if abs(height) < DIAMETER_MM / 2]
        rings = [CENTER_LPS_MM + [0, 0, z] + circle * np.sqrt(DIAMETER_MM**2 / 4 - z**2) for z in near]
        return write_rtstruct(path, slices[0], {"nodule": rings})
    near = [each for each in slices if abs(float(each.ImagePositionPatient[2]) - CENTER_LPS_MM[2]) < DIAMETER_MM / 2]
    index = np.indices((*grid.size_xyz[:2], 1)).transpose(1, 2, 3, 0)
    starts = [np.array(each.ImagePositionPatient, dtype=float) for each in near]
    steps = [*grid.spacing_mm[:2], 0.0]
    balls = [np.linalg.norm(start + index * steps - CENTER_LPS_MM, axis=-1) <= DIAMETER_MM / 2 for start in starts]
    return write_seg(path, near, [np.concatenate(balls, axis=2)], ["nodule"])


@pytest.mark.parametrize("kind", ["SEG", "SR", "RTSTRUCT"])
def test_nodules_marked_in_the_study_are_scored_and_the_results_found_under_it(
    kind: str, pacs: str, command: list[str], study: DemoStudy, tmp_path: Path
) -> None:
    store(pacs, [write_marks(kind, study, tmp_path / "marks.dcm")])
    before = results_in(pacs)
    assert run([*pacs_of(pacs), *command, "-q"]) == 0
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    (nodule,) = case.nodules
    assert nodule.center_lps_mm == pytest.approx(CENTER_LPS_MM, abs=1.0)
    assert nodule.probabilities is not None
    found = listed(pacs)
    assert {each["study"] for each in found} == {command[1]}
    assert results_in(pacs) == {"SR": before["SR"] + 1, "OT": 1}
    written = {dcmread(tmp_path / "out" / name).SOPInstanceUID for name in case.files}
    assert written <= {each["instance"] for each in found}


def test_a_second_run_doubles_nothing_and_scores_no_report_of_its_own(
    pacs: str, command: list[str], study: DemoStudy, tmp_path: Path
) -> None:
    store(pacs, [write_marks("SR", study, tmp_path / "marks.dcm")])
    assert run([*pacs_of(pacs), *command, "-q"]) == 0
    once = listed(pacs)
    assert run([*pacs_of(pacs), *command, "-q"]) == 0
    assert sorted(listed(pacs), key=str) == sorted(once, key=str)


def test_other_nodules_make_a_report_that_names_the_first_and_trying_again_doubles_neither(
    pacs: str, command: list[str], tmp_path: Path
) -> None:
    reports = []
    for number, diameter in enumerate((16, 17, 17)):
        table = tmp_path / f"{number}.csv"
        table.write_text(f"nodule_id,x_mm,y_mm,z_mm,diameter_mm\n1,72,-14,59,{diameter}\n")
        assert run([*pacs_of(pacs), *command, "--nodules", str(table), "-q"]) == 0
        reports.append(dcmread(tmp_path / "out" / "sr.dcm"))
    first, second, again = reports
    (named,) = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert named.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert again.SOPInstanceUID == second.SOPInstanceUID
    assert results_in(pacs) == {"SR": 2, "OT": 2}


def test_a_fetch_that_breaks_off_keeps_what_came_and_goes_on(
    pacs: str, command: list[str], study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    faults = Faults(break_after_bytes=500_000)
    words = [*command, "--nodules", str(study.nodule_table), "-q"]
    with faulty_archive(pacs, faults) as address:
        assert run([*pacs_of(address), *words]) == 5
        said = capfd.readouterr().err
        assert said.count("\n") == 1
        came = len(list((tmp_path / "out" / "fetched").rglob("*.dcm")))
        assert 0 < came < len(list(study.dicom_folder.iterdir()))
        faults.break_after_bytes = None
        faults.requests.clear()
        assert run([*pacs_of(address), *words]) == 0
    asked_for = [each for each in faults.requests if "/instances/" in each]
    assert len(asked_for) == len(list(study.dicom_folder.iterdir())) - came


def test_a_store_that_is_refused_half_way_loses_nothing_and_goes_on(
    pacs: str, command: list[str], study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    faults = Faults(refuse_posts_from=3)
    words = [*command, "--nodules", str(study.nodule_table), "-q"]
    with faulty_archive(pacs, faults) as address:
        assert run([*pacs_of(address), *words]) == 5
        *_, line = capfd.readouterr().err.splitlines()
        assert "got HTTP 507" in line
        assert f"the results are in {tmp_path / 'out'}" in line
        (case,) = read_results(tmp_path / "out" / "results.json").cases
        assert all((tmp_path / "out" / name).is_file() for name in case.files)
        assert results_in(pacs) == {"SR": 1, "OT": 1}
        faults.refuse_posts_from = None
        faults.requests.clear()
        assert run([*pacs_of(address), *words]) == 0
        assert faults.n_posts == len(case.files) - 2
    assert results_in(pacs) == {"SR": 1, "OT": len(case.files) - 1}


def test_an_archive_that_is_not_there_is_said_at_once(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert run([*pacs_of(address), *command]) == 5
    said = capfd.readouterr().err
    assert said == f"nodulus: Expected {address}/dicom-web to list study {command[1]}, got no connection\n"


def test_a_server_of_something_else_is_no_archive(
    pacs: str, command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["pacs", f"{pacs}/app/explorer.html#", *command]) == 5
    assert "got an answer that is no DICOMweb" in capfd.readouterr().err
    assert run(["pacs", f"{pacs}/nothing", *command]) == 5
    assert "got HTTP 404 Not Found" in capfd.readouterr().err


def test_a_study_without_marks_asks_for_a_table(
    pacs: str, command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*pacs_of(pacs), *command]) == 2
    assert "Expected nodules marked in the study (SEG, SR, RTSTRUCT) or --nodules FILE" in capfd.readouterr().err
    assert run([*pacs_of(pacs), "--study", "1.2.3", *command[2:]]) == 2
    assert "Expected one CT series in study 1.2.3, got 0" in capfd.readouterr().err
