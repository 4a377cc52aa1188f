"""Several processes give the bytes of one, whichever of them is killed, and whatever ends the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.case_runs import ends, final_files, n_lines, wait_until_scored, write_cases

N_CASES, GONE = 8, 5

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes by /proc")


@pytest.fixture(scope="module")
def table(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of cases, each with a scan of its own."""
    return write_cases(study, tmp_path_factory.mktemp("cases"), N_CASES, GONE)


@pytest.fixture(scope="module")
def serial(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("serial")
    assert run(["infer", str(table), "-o", str(out), "--quiet"]) == 4
    return final_files(out)


def start(table: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nodulus", "infer", str(table), "-o", str(out), "--jobs", "2", *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def workers_of(pid: int) -> list[int]:
    """Return the processes that score for another one."""
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_two_processes_give_the_bytes_of_one_though_one_is_killed(
    table: Path, serial: dict[str, str], tmp_path: Path
) -> None:
    process = start(table, tmp_path)
    wait_until_scored(process, tmp_path, 2)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 4, said
    assert final_files(tmp_path) == serial
    record = read_results(tmp_path / "results.json").run
    assert record is not None
    assert {stage.name: stage.n for stage in record.stages}["score"] == N_CASES - 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_process_and_goes_on(
    number: signal.Signals, table: Path, serial: dict[str, str], tmp_path: Path
) -> None:
    process = start(table, tmp_path)
    wait_until_scored(process, tmp_path, 2)
    workers = workers_of(process.pid)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1].splitlines()
    assert ends(workers)
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 130
        assert said[-1] == "nodulus: stopped"
        assert said[-2].endswith(f"of {N_CASES} cases are in {tmp_path / 'cases.jsonl'}: --resume goes on")
    assert not (tmp_path / "results.json").exists()
    assert n_lines(tmp_path) >= 3
    assert run(["infer", str(table), "-o", str(tmp_path), "--quiet", "--jobs", "2", "--resume"]) == 4
    assert final_files(tmp_path) == serial


def test_a_call_that_a_process_finds_wrong_ends_the_run_with_its_line(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases").write_text("in the way")
    assert run(["infer", str(table), "-o", str(tmp_path), "--quiet", "--jobs", "2", "--fhir", "--resume"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("nodulus: Expected to write ")


def test_the_number_of_processes_must_be_one_or_more(table: Path, tmp_path: Path) -> None:
    assert run(["infer", str(table), "-o", str(tmp_path), "--jobs", "0"]) == 2
