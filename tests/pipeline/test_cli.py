"""The command as a user meets it: exit codes, one-line errors, files."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.cli import run
from nodulus.pipeline.demo_study import DemoStudy
from nodulus.pipeline.results import read_results


def error_lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if line.strip()]


def first_point(study: DemoStudy) -> tuple[float, float, float]:
    return study.cases[0].nodules[0].center_lps_mm


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [("missing.nii.gz", 2, "missing.nii.gz"), ("notes.txt", 3, "unreadable"), ("empty", 3, "unreadable")],
)
def test_what_cannot_be_read_ends_with_its_exit_code_and_one_line(
    name: str, code: int, says: str, study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("not a scan")
    (tmp_path / "empty").mkdir()
    table = str(study.nodule_table)
    assert run(["infer", str(tmp_path / name), "--nodules", table, "-o", str(tmp_path / "out")]) == code
    lines = error_lines(capfd)
    assert len(lines) == 1
    assert says in lines[0]


def test_a_bad_row_of_the_nodule_table_is_named_and_nothing_is_written(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "nodules.csv"
    table.write_text("nodule_id,x_mm,y_mm,z_mm,diameter_mm\na,1,2,3,8\nb,1,two,3,8\n")
    out = tmp_path / "out"
    assert run(["infer", str(study.dicom_folder), "--nodules", str(table), "-o", str(out)]) == 2
    (line,) = error_lines(capfd)
    assert "row 3" in line
    assert "y_mm" in line
    assert "two" in line
    assert not out.exists()


def test_infer_scores_every_nodule_of_the_table(study: DemoStudy, tmp_path: Path) -> None:
    table = str(study.nodule_table)
    assert run(["infer", str(study.dicom_folder), "--nodules", table, "-o", str(tmp_path)]) == 0
    (case,) = read_results(tmp_path / "results.json").cases
    assert [nodule.nodule_id for nodule in case.nodules] == [nodule.nodule_id for nodule in study.cases[0].nodules]
    assert all(nodule.probabilities for nodule in case.nodules)
    assert list(tmp_path.glob(".writing*")) == []


def test_a_point_in_ras_is_the_same_place_as_its_lps_twin(study: DemoStudy, tmp_path: Path) -> None:
    x, y, z = first_point(study)
    for frame, point in (("LPS", f"{x},{y},{z}"), ("RAS", f"{-x},{-y},{z}")):
        arguments = ["--point", point, "--diameter", "9", "--frame", frame, "-o", str(tmp_path / frame)]
        assert run(["infer", str(study.nifti), *arguments]) == 0
    lps, ras = (read_results(tmp_path / frame / "results.json").cases[0].nodules[0] for frame in ("LPS", "RAS"))
    assert lps == ras


def test_a_batch_goes_on_past_a_bad_case(study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copy(study.nifti, tmp_path / "good.nii.gz")
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    x, y, z = first_point(study)
    with (tmp_path / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm"])
        for case in ("bad", "good", "gone"):
            writer.writerow([case, f"{case}.nii.gz", "1", x, y, z, 9])

    assert run(["infer", str(tmp_path / "cases.csv"), "-o", str(tmp_path / "out")]) == 4

    cases = {case.case_id: case for case in read_results(tmp_path / "out" / "results.json").cases}
    assert [cases[name].status for name in ("bad", "good", "gone")] == ["refused", "scored", "refused"]
    assert cases["bad"].problem is not None
    assert cases["bad"].nodules[0].probabilities is None
    refusals = [line for line in error_lines(capfd) if "refused" in line]
    assert [line.split(": ")[1] for line in refusals] == ["bad", "gone"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--point", "1,2", "--diameter", "8"], "three numbers"),
        (["--point", "1,2,3"], "--diameter"),
        ([], "--nodules"),
        (["--point", "1,2,3", "--diameter", "8", "--allow", "everything"], "everything"),
        (["--point", "1,2,3", "--diameter", "8", "--bundle", "nowhere"], "nowhere"),
        (["--point", "1,2,3", "--diameter", "-8"], "diameter_mm"),
    ],
)
def test_a_wrong_call_ends_with_code_2_and_says_what_was_expected(
    arguments: list[str], says: str, study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["infer", str(study.nifti), *arguments, "-o", str(tmp_path)]) == 2
    (line,) = error_lines(capfd)
    assert says in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["infer"], "INPUT"),
        (["infer", "scan.nii", "--nope"], "--nope"),
        (["infer", "scan.nii", "-o", "out", "--device", "abacus"], "abacus"),
        (["dream"], "dream"),
        (["prepare"], "command"),
    ],
)
def test_what_the_command_line_does_not_know_is_code_2_and_one_line(
    arguments: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    (line,) = error_lines(capfd)
    assert line.startswith("nodulus: ")
    assert says in line


def test_the_bare_command_says_what_it_can_do(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "infer" in capfd.readouterr().out


def test_check_prints_the_geometry_as_json(study: DemoStudy, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(study.dicom_folder), "--json"]) == 0
    record = json.loads(capfd.readouterr().out)
    assert record["status"] == "accepted"
    assert record["geometry"]["spacing_mm"] == [3.4, 3.4, 3.0]


def test_check_of_a_broken_series_names_the_problem(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(study.dicom_folder, broken)
    for path in sorted(broken.iterdir())[40:43]:
        path.unlink()
    assert run(["check", str(broken), "--json"]) == 3
    record = json.loads(capfd.readouterr().out)
    assert record["status"] == "refused"
    assert record["problem"]["code"] == "missing_slices"


def test_check_draws_each_nodule(study: DemoStudy, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    assert run(["check", str(study.nifti), "--nodules", str(study.nodule_table), "-o", str(out)]) == 0
    drawn = {path.name for path in out.iterdir()}
    assert drawn == {f"{nodule.nodule_id}.png" for nodule in study.cases[0].nodules}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in out.iterdir())


def test_info_names_versions_bundle_and_devices(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["versions"]["monai"].startswith("1.6.")
    assert len(found["bundle"]["weights_sha256"]) == 64
    assert "cpu" in found["devices"]


@pytest.mark.parametrize("command", ["demo", "check", "infer", "train", "info", "prepare lidc"])
def test_every_command_has_help_with_an_example(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    text = capfd.readouterr().out
    assert "Example" in text
    assert f"nodulus {command}" in text


def test_a_bug_is_exit_code_1_and_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(_: object = None) -> None:
        raise RuntimeError("the roof leaks\nin many places")

    monkeypatch.setattr("nodulus.pipeline.cli_info.collect_info", broken)
    assert run(["info"]) == 1
    (line,) = error_lines(capfd)
    assert "the roof leaks" in line


def test_the_module_is_the_command_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nodulus.pipeline", "check", str(tmp_path / "gone")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "gone" in done.stderr


def test_demo_leaves_results_pictures_and_the_study(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "-o", str(tmp_path)]) == 0
    (case,) = read_results(tmp_path / "results.json").cases
    assert len(case.nodules) >= 5
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {n.nodule_id for n in case.nodules}
    assert "mean nothing clinically" in " ".join(capfd.readouterr().out.split())
