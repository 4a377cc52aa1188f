"""The manifest tells how a run was made, and nothing of whose machine it was."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from nodulus import __version__
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.scoring.scan_digest import scan_sha256


@pytest.fixture(scope="module")
def record(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out")
    arguments = ["infer", str(study.dicom_folder), "--nodules", str(study.nodule_table), "-o", str(out), "--quiet"]
    assert run([*arguments, "--allow", "thick_slices"]) == 0
    return out, json.loads((out / "results.json").read_text())


def test_it_names_the_command_its_options_and_the_versions(record: tuple[Path, dict[str, Any]]) -> None:
    manifest = record[1]["run"]
    assert (manifest["command"], manifest["device"]) == ("infer", "cpu")
    assert manifest["options"]["allow"] == ["thick_slices"]
    assert manifest["versions"]["nodulus"] == __version__
    assert {"torch", "monai", "numpy", "pydicom"} <= set(manifest["versions"])
    assert "not installed" not in manifest["versions"].values()


def test_each_stage_has_its_time_and_the_memory_never_falls(record: tuple[Path, dict[str, Any]]) -> None:
    stages = record[1]["run"]["stages"]
    assert [stage["name"] for stage in stages] == ["open", "load", "score", "hash", "write"]
    assert all(stage["n"] == 1 and stage["seconds"] >= 0 for stage in stages)
    peaks = [stage["peak_memory_mib"] for stage in stages]
    assert peaks == sorted(peaks)
    assert peaks[0] > 20


def test_the_hashes_are_those_of_the_files(record: tuple[Path, dict[str, Any]], study: DemoStudy) -> None:
    out, results = record
    named = {each["name"]: each["sha256"] for each in results["run"]["files"]}
    assert named == {"results.csv": hashlib.sha256((out / "results.csv").read_bytes()).hexdigest()}
    assert results["cases"][0]["input_sha256"] == scan_sha256(study.dicom_folder)


def test_it_does_not_tell_whose_machine_it_was(record: tuple[Path, dict[str, Any]]) -> None:
    text = json.dumps(record[1]["run"])
    assert not [
        word
        for word in (socket.gethostname(), str(record[0]), str(Path.home()), f"/{getpass.getuser()}")
        if word in text
    ]


def test_many_scans_are_hashed_when_asked(study: DemoStudy, tmp_path: Path) -> None:
    x, y, z = study.marked.nodules[0].center_lps_mm
    rows = "".join(f"{case},{study.nifti},1,{x},{y},{z},9\n" for case in "ab")
    (tmp_path / "cases.csv").write_text(f"case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm\n{rows}")
    found = {}
    for option in ("--quiet", "--digests", "--no-digests"):
        out = tmp_path / option.strip("-")
        assert run(["infer", str(tmp_path / "cases.csv"), "-o", str(out), option]) == 0
        cases = json.loads((out / "results.json").read_text())["cases"]
        found[option] = {case["input_sha256"] for case in cases}
    assert found == {"--quiet": {None}, "--digests": {scan_sha256(study.nifti)}, "--no-digests": {None}}


def test_all_files_that_were_asked_for_are_in_the_list(study: DemoStudy, tmp_path: Path) -> None:
    x, y, z = study.marked.nodules[0].center_lps_mm
    rows = "".join(f"{case},{study.dicom_folder},1,{x},{y},{z},9\n" for case in "ab")
    (tmp_path / "cases.csv").write_text(f"case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm\n{rows}")
    out = tmp_path / "out"
    asked = ["--report", "--fhir", "--sr", "--key-images"]
    for more in ([], ["--resume"]):
        assert run(["infer", str(tmp_path / "cases.csv"), "-o", str(out), "--quiet", *asked, *more]) == 0
        named = [each["name"] for each in json.loads((out / "results.json").read_text())["run"]["files"]]
        there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
        assert sorted(named) == sorted(there - {"results.json", "cases.jsonl"})
        assert {"report.html", "cases/a/report.html", "cases/b/fhir.json", "cases/b/key_images/1.dcm"} <= there
