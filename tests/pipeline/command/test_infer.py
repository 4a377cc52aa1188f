"""What `nodulus infer` says, to people and to programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import Results


def command_of(study: DemoStudy, out: Path) -> list[str]:
    return ["infer", str(study.nifti), "--nodules", str(study.nodule_table), "-o", str(out)]


def test_json_is_the_record_and_all_else_goes_to_standard_error(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*command_of(study, tmp_path), "--json"]) == 0
    said = capfd.readouterr()
    assert said.out == (tmp_path / "results.json").read_text()
    assert len(Results.model_validate_json(said.out).cases[0].nodules) == len(study.marked.nodules)
    assert all(line.startswith("nodulus: phantom.nii.gz: ") for line in said.err.splitlines())


def test_json_of_a_refused_scan_is_its_record_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("not a scan")
    place = ["--point", "1,2,3", "--diameter", "9"]
    assert run(["infer", str(tmp_path / "notes.txt"), *place, "-o", str(tmp_path / "out"), "--json"]) == 3
    said = capfd.readouterr()
    assert json.loads(said.out)["cases"][0]["problem"]["code"] == "unreadable"
    assert said.err.count("\n") == 1


def test_quiet_says_warnings_and_errors_only(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(command_of(study, tmp_path)) == 0
    loud = capfd.readouterr()
    assert "results.json" in loud.out
    assert run([*command_of(study, tmp_path), "--quiet"]) == 0
    quiet = capfd.readouterr()
    assert quiet.out == ""
    assert quiet.err == loud.err
    assert re.search(r"phantom.nii.gz: .*flagged: ", quiet.err)
    assert run([*command_of(study, tmp_path), "-q", "--json"]) == 0
    assert capfd.readouterr().out == (tmp_path / "results.json").read_text()
