"""The command as a user meets it: exit codes, one-line errors, files."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

import nodulus
from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.results.run_record import ENGINE
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import ProblemCode, UsageError, refuse


def error_lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if line.strip()]


def first_point(study: DemoStudy) -> tuple[float, float, float]:
    return study.marked.nodules[0].center_lps_mm


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
    assert [nodule.nodule_id for nodule in case.nodules] == [nodule.nodule_id for nodule in study.marked.nodules]
    assert all(nodule.probabilities for nodule in case.nodules)
    assert list(tmp_path.glob(".writing*")) == []


@pytest.mark.parametrize("words", [("LPS", "RAS", "cpu"), ("lps", "ras", "CPU")])
def test_a_point_in_ras_is_the_same_place_as_its_lps_twin(
    words: tuple[str, str, str], study: DemoStudy, tmp_path: Path
) -> None:
    x, y, z = first_point(study)
    in_lps, in_ras, device = words
    for frame, point in ((in_lps, f"{x},{y},{z}"), (in_ras, f"{-x},{-y},{z}")):
        place = ["--point", point, "--diameter", "9", "--frame", frame]
        assert run(["infer", str(study.nifti), *place, "--device", device, "-o", str(tmp_path / frame)]) == 0
    lps, ras = (read_results(tmp_path / frame / "results.json").cases[0].nodules[0] for frame in (in_lps, in_ras))
    assert lps == ras
    assert lps.center_lps_mm == pytest.approx((x, y, z))


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
        ([], "docs/how-to/from-a-scan-to-nodules.md"),
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
        (["infer", "scan.nii", "-o", "out", "--frame", "XYZ"], "XYZ"),
        (["infer", "scan.nii", "-o", "out", "--engine", "abacus"], "abacus"),
        (["dream"], "dream"),
        (["prepare"], "command"),
        (["prepare", "lidc", "--crops", "crops", "-o", "list.json", "--folds", "1"], "--folds"),
        (["prepare", "lidc", "--crops", "crops", "-o", "."], "folder"),
        (["train", "--data", "list.json", "-o", "out", "--epochs", "0"], "--epochs"),
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


def test_an_allowed_gap_spares_the_nodules_that_do_not_touch_it(study: DemoStudy, tmp_path: Path) -> None:
    hit = study.marked.nodules[0]
    broken = tmp_path / "broken"
    shutil.copytree(study.dicom_folder, broken)
    for path in broken.iterdir():
        if abs(float(dcmread(path, stop_before_pixels=True).ImagePositionPatient[2]) - hit.center_lps_mm[2]) < 2.9:
            path.unlink()
    arguments = ["infer", str(broken), "--nodules", str(study.nodule_table)]

    assert run([*arguments, "-o", str(tmp_path / "refused")]) == 3
    assert run([*arguments, "--allow", "missing_slices", "-o", str(tmp_path / "allowed")]) == 4

    (refused,) = read_results(tmp_path / "refused" / "results.json").cases
    assert refused.problem is not None
    assert refused.problem.code == "missing_slices"
    (allowed,) = read_results(tmp_path / "allowed" / "results.json").cases
    assert "missing_slices" in [warning.code for warning in allowed.warnings]
    problems = {nodule.nodule_id: nodule.problem for nodule in allowed.nodules}
    assert problems[hit.nodule_id] is not None
    whole = Scorer(device="cpu").score(study.dicom_folder, study.nodule_table)
    for before, after in zip(whole.nodules, allowed.nodules, strict=True):
        if after.problem is None:
            assert before.probabilities is not None
            assert after.probabilities is not None
            # Batches of other sizes add up in another order.
            assert after.probabilities.malignant == pytest.approx(before.probabilities.malignant, abs=1e-6)
    assert [problem for problem in problems.values() if problem is None]


def test_check_draws_each_nodule(study: DemoStudy, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    assert run(["check", str(study.nifti), "--nodules", str(study.nodule_table), "-o", str(out)]) == 0
    drawn = {path.name for path in out.iterdir()}
    assert drawn == {f"{nodule.nodule_id}.png" for nodule in study.marked.nodules}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in out.iterdir())


def test_the_version_is_said_with_the_bundles_and_before_anything_slow(bundle: Path) -> None:
    code = (
        "import sys\n"
        "from nodulus.pipeline.command.main import run\n"
        "code = run(['--version'])\n"
        "print(code, {'torch', 'monai'} & set(sys.modules))"
    )
    environment = {**os.environ, "NODULUS_BUNDLE": str(bundle)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    own, of_the_bundle, rest = done.stdout.splitlines()
    assert own == f"nodulus {nodulus.__version__}"
    version = json.loads((bundle / "configs" / "metadata.json").read_text())["version"]
    assert of_the_bundle == f"bundle {bundle.name} {version} in {bundle.resolve()}"
    assert rest == "0 set()"


@pytest.mark.parametrize(
    ("metadata", "says"),
    [(None, "bundle: none found"), ("[]", "unknown version"), ("{}", "unknown version"), ("{", "unknown version")],
)
def test_the_version_is_said_whatever_the_bundle_is(
    metadata: str | None,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NODULUS_BUNDLE", str(tmp_path / "bundle"))
    if metadata is not None:
        (tmp_path / "bundle" / "configs").mkdir(parents=True)
        (tmp_path / "bundle" / "configs" / "metadata.json").write_text(metadata)
    assert run(["--version"]) == 0
    own, of_the_bundle = capfd.readouterr().out.splitlines()
    assert own == f"nodulus {nodulus.__version__}"
    assert says in of_the_bundle


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("nodulus ev", ["evaluate"]),
        ("nodulus infer x --device C", ["cpu", "cuda"]),
        ("nodulus check --fr", ["--frame"]),
    ],
)
def test_a_shell_is_told_how_a_word_may_go_on(line: str, offered: list[str]) -> None:
    asked = {"_NODULUS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    command = [sys.executable, "-m", "nodulus"]
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == offered


def test_info_names_versions_bundle_and_devices(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["versions"]["nodulus"] == nodulus.__version__
    assert found["versions"]["monai"].startswith("1.6.")
    assert len(found["bundle"]["weights_sha256"]) == 64
    assert "cpu" in found["devices"]
    assert found["engines"][0] == ENGINE == "torch"
    assert "torchscript" in found["engines"]


@pytest.mark.parametrize("command", ["demo", "check", "infer", "train", "info", "prepare lidc"])
def test_every_command_has_help_with_an_example(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    text = capfd.readouterr().out
    assert "Example" in text
    assert f"nodulus {command}" in text


def test_a_bug_is_exit_code_1_and_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(_: object = None) -> None:
        raise RuntimeError("the roof leaks\nin many places")

    monkeypatch.setattr("nodulus.pipeline.command.info.collect_info", broken)
    assert run(["info"]) == 1
    (line,) = error_lines(capfd)
    assert "internal error: RuntimeError: the roof leaks" in line


@pytest.mark.parametrize(
    ("cause", "code", "says"),
    [
        (UsageError("Expected a list, got a fish"), 2, "nodulus: Expected a list, got a fish"),
        (refuse(ProblemCode.TILTED, "Expected no tilt, got 12 degrees"), 3, "Expected no tilt"),
        (KeyError("depth"), 1, "internal error: KeyError: 'depth'"),
        (AssertionError(), 1, "internal error: AssertionError (set"),
    ],
)
def test_the_cause_counts_not_what_it_was_wrapped_in(
    cause: Exception, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def wrapped(_: object = None) -> None:
        try:
            raise ValueError("Failed to instantiate") from cause
        except ValueError as error:
            raise RuntimeError("Failed to evaluate ConfigExpression:") from error

    monkeypatch.setattr("nodulus.pipeline.command.info.collect_info", wrapped)
    assert run(["info"]) == code
    (line,) = error_lines(capfd)
    assert says in line


def test_ctrl_c_is_code_130_and_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nodulus.pipeline.command.info.collect_info", interrupted)
    assert run(["info"]) == 130
    assert error_lines(capfd) == ["nodulus: stopped"]
    assert run(["--help"]) == 0
    assert "130 stopped" in " ".join(capfd.readouterr().out.split())


@pytest.mark.slow
def test_train_says_how_good_the_weights_are_and_when_nothing_is_left_to_resume(
    tiny_crops: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, out = str(tmp_path / "list.json"), tmp_path / "run"
    assert run(["prepare", "lidc", "--crops", str(tiny_crops), "-o", data]) == 0
    arguments = ["train", "--data", data, "-o", str(out), "--epochs", "1"]
    assert run([*arguments, "--resume"]) == 2
    assert str(out / "resume.pt") in error_lines(capfd)[0]
    assert run(arguments) == 0
    said = capfd.readouterr()
    auc = (out / "training_log.txt").read_text().split()[-3].strip("()")
    assert f"best epoch 1 of 1, validation AUC {auc}, weights {out / 'model.pt'}" in said.out.splitlines()
    assert "Logging file" not in said.out + said.err
    assert run([*arguments, "--resume"]) == 0
    said = capfd.readouterr()
    assert "nothing to resume: all 1 epochs are done" in said.out
    assert f"wrote {out / 'model.pt'}" not in said.out


@pytest.mark.parametrize("module", ["nodulus", "nodulus.pipeline"])
def test_the_module_is_the_command_too(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", module, "check", str(tmp_path / "gone")]
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


def write_table(path: Path, rows: list[str], header: str = "nodule_id,x_mm,y_mm,z_mm,diameter_mm") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_frame_holds_for_a_cases_table_too(study: DemoStudy, tmp_path: Path) -> None:
    x, y, z = first_point(study)
    header = "case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm"
    table = write_table(tmp_path / "cases.csv", [f"a,{study.nifti},1,{-x},{-y},{z},9"], header)
    assert run(["infer", str(table), "--frame", "RAS", "-o", str(tmp_path / "out")]) == 0
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    assert case.nodules[0].center_lps_mm == pytest.approx((x, y, z))
    assert case.nodules_from is not None
    assert (case.nodules_from.frame, case.nodules_from.frame_is) == ("RAS", "stated")


def test_a_table_of_several_cases_gives_the_one_that_is_named_or_that_the_scan_is_called(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    x, y, z = first_point(study)
    header = "nodule_id,x_mm,y_mm,z_mm,diameter_mm,case"
    table = write_table(tmp_path / "n.csv", [f"1,{x},{y},{z},9,alpha", f"2,{x},{y},{z},12,phantom"], header)
    for extra, expected in (([], "2"), (["--case", "alpha"], "1")):
        assert run(["infer", str(study.nifti), "--nodules", str(table), *extra, "-o", str(tmp_path / "out")]) == 0
        (case,) = read_results(tmp_path / "out" / "results.json").cases
        assert [nodule.nodule_id for nodule in case.nodules] == [expected]
    assert run(["infer", str(study.dicom_folder), "--nodules", str(table), "-o", str(tmp_path / "out")]) == 2
    assert "--case" in error_lines(capfd)[-1]


def test_pictures_stay_in_their_folder_whatever_the_nodules_are_called(study: DemoStudy, tmp_path: Path) -> None:
    x, y, z = first_point(study)
    ids = ["../../escape", "/abs", "..", "a/b", "zu[/x]", "$x_1$ $\\frac{$", "肺", "A", "a", "n" * 300]
    table = write_table(tmp_path / "n.csv", [f"{one},{x},{y},{z},9" for one in ids])
    out = tmp_path / "deep" / "pictures"
    assert run(["check", str(study.nifti), "--nodules", str(table), "-o", str(out)]) == 0
    assert len({path.name.lower() for path in out.iterdir()}) == len(ids)
    assert set(tmp_path.rglob("*.png")) == set(out.iterdir())


def test_what_users_name_is_shown_as_it_is(study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    x, y, z = first_point(study)
    table = write_table(tmp_path / "n.csv", [f"zu[/x],{x},{y},{z},9"])
    assert run(["infer", str(study.nifti), "--nodules", str(table), "-o", str(tmp_path / "br[/x]")]) == 0
    shown = capfd.readouterr().out
    assert "zu[/x]" in shown
    assert "br[/x]" in shown


def test_a_case_is_called_as_its_folder_is(
    study: DemoStudy, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.dicom_folder)
    arguments = ["--nodules", str(study.nodule_table), "--bundle", str(bundle), "-o", str(tmp_path)]
    assert run(["infer", ".", *arguments]) == 0
    assert read_results(tmp_path / "results.json").cases[0].case_id == "dicom"


def test_an_output_that_cannot_be_a_folder_is_said_before_scoring(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    table = str(study.nodule_table)
    for command in ("infer", "check"):
        arguments = [command, str(study.nifti), "--nodules", table, "-o", str(tmp_path / "file" / "sub")]
        assert run(arguments) == 2
        (line,) = [line for line in error_lines(capfd) if "warning" not in line]
        assert "file" in line
    assert (tmp_path / "file").read_text() == "mine"


def test_check_names_a_nodule_outside_the_scan(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "n.csv", ["far,900,0,0,9"])
    assert run(["check", str(study.nifti), "--nodules", str(table), "-o", str(tmp_path / "p"), "--json"]) == 4
    (problem,) = json.loads(capfd.readouterr().out)["nodule_problems"]
    assert (problem["code"], problem["items"]) == ("nodule_outside", ["far"])


def test_a_detector_that_found_nothing_leaves_nothing_to_score(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "boxes.json").write_text('[{"image": "scan.nii.gz", "box": [], "label": [], "label_scores": []}]')
    out = str(tmp_path / "out")
    assert run(["infer", str(study.dicom_folder), "--nodules", str(tmp_path / "boxes.json"), "-o", out]) == 2
    assert "at least one nodule" in error_lines(capfd)[0]


def test_the_console_says_what_the_brock_model_says_or_lacks(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    x, y, z = study.marked.nodules[0].center_lps_mm
    table = tmp_path / "nodules.csv"
    place = f"{x},{y},{z},12"
    table.write_text(
        "nodule_id,x_mm,y_mm,z_mm,diameter_mm,age,sex,family_history,emphysema,nodule_type,lobe,nodule_count,spiculation\n"
        f"all,{place},65,F,no,yes,solid,RUL,2,yes\nsome,{place},65,F,no,yes,solid,RUL,,yes\nnone,{place},,,,,,,,\n"
    )
    assert run(["infer", str(study.nifti), "--nodules", str(table), "-o", str(tmp_path / "out")]) == 0
    text = " ".join(capfd.readouterr().out.split())  # lines are broken where the terminal ends
    assert "Brock mm3 axes HU sub cal sph mar lob spi tex" in text
    assert "the Brock model's probability of cancer" in text
    assert "Brock model: the table lacks nodule_count (some)" in text
