"""Does MONAI's command end with our line and exit code, and does every other process end as before?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.bundle.one_line import end_in_one_line, end_with
from nodulus.pipeline.exit_codes import ExitCode
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.transforms.problems import ProblemCode, UsageError, refuse


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (UsageError("Expected a scan, got none"), ExitCode.USAGE),
        (refuse(ProblemCode.TILTED, "Expected straight slices"), ExitCode.INPUT_REFUSED),
    ],
)
@pytest.mark.parametrize("n_wrapped", [0, 1, 3])
def test_a_refusal_ends_with_its_code_however_deep_it_is_wrapped(
    refusal: Exception, code: ExitCode, n_wrapped: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error: Exception = refusal
    for _ in range(n_wrapped):
        outer = RuntimeError("Failed to evaluate ConfigExpression")
        outer.__cause__, error = error, outer
    with pytest.raises(SystemExit) as leaving:
        end_with(type(error), error, None)
    assert leaving.value.code == code
    assert capsys.readouterr().err == f"nodulus: {refusal}\n"


def test_any_other_error_is_shown_as_python_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("a bug")
    end_with(RuntimeError, error, None)
    assert capsys.readouterr().err.endswith("RuntimeError: a bug\n")


def test_in_another_process_nothing_changes() -> None:
    before = sys.excepthook
    end_in_one_line()
    assert sys.excepthook is before


def test_monais_command_ends_with_the_reason_of_a_refused_scan(bundle: Path, study: DemoStudy, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    command = [
        sys.executable, "-I", "-m", "monai.bundle", "run",
        "--config_file", str(bundle / "configs" / "inference.json"), "--bundle_root", str(bundle),
        "--image", str(tmp_path / "empty"), "--nodules", str(study.nodule_table), "--output_dir", "out",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.INPUT_REFUSED
    problem = read_results(tmp_path / "out" / "results.json").cases[0].problem
    assert problem is not None
    assert done.stderr.splitlines()[-1] == f"nodulus: {problem.code}: {problem.message}"
    assert "Traceback" not in done.stdout + done.stderr
