"""The application for MONAI Deploy says what `nodulus infer` says, or why it says nothing (`make test-deploy`)."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import CaseResult, Results, read_results
from tests.support.deploy_sdk import need_sdk
from tests.support.marked_study import CENTER_LPS_MM, write_marks
from tests.support.pages import ROOT, blocks

need_sdk()
pytestmark = pytest.mark.slow

PACKAGE = ROOT / "pipeline" / "deploy"
KNOWN = ROOT / "tests" / "behaviour" / "known_results.json"


@pytest.fixture
def scan(study: DemoStudy, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study.dicom_folder, tmp_path / "scan"))


def deploy(study: Path, output: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the application as a process of its own, as an orchestrator does."""
    command = [sys.executable, "-m", "nodulus.pipeline.deploy", "-i", str(study), "-o", str(output), *words]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=output.parent)


def refusal_of(done: subprocess.CompletedProcess[str], output: Path, code: int = 3) -> CaseResult:
    """Return the refused case of a run that ended with this exit code and said why in one line."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (case,) = read_results(output / "results.json").cases
    assert case.problem is not None
    assert done.stderr == f"nodulus: {case.case_id}: refused: {case.problem.code}: {case.problem.message}\n"
    assert not (output / "sr.dcm").exists()
    return case


def content_of(report: Path) -> dict[str, Any]:
    """Return all that a report says but for the time at which it was written."""
    times = ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime", "ContributionDateTime")
    stored = dcmread(report)
    for dataset in _datasets(stored):
        for keyword in times:
            if keyword in dataset:
                delattr(dataset, keyword)
    said: dict[str, Any] = stored.to_json_dict()
    return said


def _datasets(dataset: Dataset) -> list[Dataset]:
    nested = [item for element in dataset if element.VR == "SQ" for item in element.value]
    return [dataset, *(found for item in nested for found in _datasets(item))]


def scores_of(results: Results) -> dict[str, float]:
    (case,) = results.cases
    return {one.nodule_id: one.probabilities.malignant for one in case.nodules if one.probabilities is not None}


def test_the_application_gives_what_the_command_gives(
    scan: Path, study: DemoStudy, bundle: Path, tmp_path: Path
) -> None:
    shutil.copy(study.nodule_table, scan)
    done = deploy(scan, tmp_path / "deploy", "-m", str(bundle))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    words = ["--nodules", str(scan / study.nodule_table.name), "--sr", "--key-images", "--report", "-q"]
    command = [sys.executable, "-m", "nodulus", "infer", str(scan), *words, "--bundle", str(bundle)]
    # By itself: where the SDK is installed, MONAI loads it, and it warns of the stack's size.
    subprocess.run([*command, "-o", str(tmp_path / "infer")], check=True, capture_output=True)
    deployed, inferred = (read_results(tmp_path / name / "results.json") for name in ("deploy", "infer"))
    assert scores_of(deployed) == pytest.approx(scores_of(inferred), abs=1e-6)
    assert len(scores_of(deployed)) == 6
    assert content_of(tmp_path / "deploy" / "sr.dcm") == content_of(tmp_path / "infer" / "sr.dcm")
    assert set(deployed.cases[0].files) == set(inferred.cases[0].files)
    assert deployed.cases[0].input_sha256 == inferred.cases[0].input_sha256
    assert deployed.run is not None
    assert deployed.run.command == "monai deploy"
    assert {file.name for file in deployed.run.files} == {"results.csv", *deployed.cases[0].files}


def test_a_real_scan_gives_the_known_probability(data_dir: Path, bundle: Path, tmp_path: Path) -> None:
    patient = "LIDC-IDRI-0001"
    ((known,),) = [case["nodules"] for case in json.loads(KNOWN.read_text())[patient]]
    place = {name: known[name] for name in ("nodule_id", "center_lps_mm", "diameter_mm")}
    with zipfile.ZipFile(data_dir / "lidc_dicom" / f"{patient}.zip") as archive:
        archive.extractall(tmp_path / "scan")
    (tmp_path / "scan" / "nodules.json").write_text(json.dumps([place]))
    done = deploy(tmp_path / "scan", tmp_path / "out", "-m", str(bundle))
    assert done.returncode == 0, done.stderr
    found = scores_of(read_results(tmp_path / "out" / "results.json"))
    assert found == pytest.approx({known["nodule_id"]: known["probabilities"]["malignant"]}, abs=1e-6)


@pytest.mark.parametrize("kind", ["SEG", "SR", "RTSTRUCT"])
def test_nodules_are_those_that_the_study_marks(kind: str, scan: Path, tmp_path: Path) -> None:
    write_marks(kind, scan, scan / "marks.dcm")
    done = deploy(scan, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    assert case.nodules_from is not None
    assert case.nodules_from.format == f"dicom_{kind.lower()}"
    assert case.nodules[0].center_lps_mm == pytest.approx(CENTER_LPS_MM, abs=1.0)


def test_paths_come_from_the_environment_of_a_packaged_application(scan: Path, tmp_path: Path) -> None:
    (scan / "found.json").write_text('[{"nodule_id": "1", "center_lps_mm": [72, -14, 59], "diameter_mm": 16}]')
    names = {"INPUT": scan, "OUTPUT": tmp_path / "out", "MODEL": tmp_path / "no_models"}
    variables = {f"HOLOSCAN_{name}_PATH": str(path) for name, path in names.items()}
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, str(PACKAGE)], env=environment, check=False, cwd=tmp_path)
    assert done.returncode == 0
    assert len(scores_of(read_results(tmp_path / "out" / "results.json"))) == 1


def _lose_slices(scan: Path) -> None:
    for path in sorted(scan.glob("*.dcm"))[40:45]:
        path.unlink()


def _turn_to_mr(scan: Path) -> None:
    for path in scan.glob("*.dcm"):
        slice_ = dcmread(path)
        slice_.Modality = "MR"
        slice_.save_as(path)


def _empty(scan: Path) -> None:
    shutil.rmtree(scan)
    scan.mkdir()


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (_lose_slices, "missing_slices", "missing"),
        (_turn_to_mr, "not_ct", "MR"),
        (_empty, "unreadable", "got no files"),
        (lambda _: None, "bad_nodule", "Expected nodules marked in the study (SEG, SR, RTSTRUCT) or a table"),
    ],
    ids=["missing_slices", "no_match", "empty", "no_nodules"],
)
def test_what_cannot_be_scored_is_reported_and_ends_non_zero(
    spoil: Callable[[Path], None], code: str, words: str, scan: Path, tmp_path: Path
) -> None:
    spoil(scan)
    case = refusal_of(deploy(scan, tmp_path / "out"), tmp_path / "out")
    assert case.problem is not None
    assert case.problem.code == code
    assert words in case.problem.message


def test_an_earlier_result_does_not_pass_for_that_of_a_refused_run(
    scan: Path, study: DemoStudy, tmp_path: Path
) -> None:
    table = shutil.copy(study.nodule_table, scan)
    assert deploy(scan, tmp_path / "out").returncode == 0
    Path(table).unlink()
    refusal_of(deploy(scan, tmp_path / "out"), tmp_path / "out")


def test_a_model_path_without_a_bundle_is_said_in_a_line(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    done = deploy(scan, tmp_path / "out", "-m", str(tmp_path / "models"))
    assert done.returncode == 2
    assert done.stderr.startswith("nodulus: Expected a whole bundle")
    assert done.stderr.count("\n") == 1


def test_a_logging_file_of_the_current_folder_runs_nothing(scan: Path, study: DemoStudy, tmp_path: Path) -> None:
    shutil.copy(study.nodule_table, scan)
    planted = {"version": 1, "handlers": {"one": {"()": "os.mkdir", "path": str(tmp_path / "planted")}}}
    (tmp_path / "logging.json").write_text(json.dumps(planted))
    assert deploy(scan, tmp_path / "out").returncode == 0
    assert not (tmp_path / "planted").exists()


def test_every_command_of_the_page_runs(scan: Path, study: DemoStudy, tmp_path: Path) -> None:
    shutil.copy(study.nodule_table, scan)
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    page = ROOT / "docs" / "how-to" / "monai-deploy.md"
    commands = [block.text for block in blocks(page) if "nodulus.pipeline.deploy" in block.text]
    assert len(commands) == 2
    for text in commands:
        command = text.replace(".venv-deploy/bin/python", shlex.quote(sys.executable))
        environment = {**os.environ, "STUDY": str(scan)}
        done = subprocess.run(["bash", "-ec", command], cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    found = [scores_of(read_results(tmp_path / "out" / name / "results.json")) for name in ("deploy", "again")]
    assert found[0] == found[1]
