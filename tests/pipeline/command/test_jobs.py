"""Several processes give the bytes of one, whichever of them is killed, and whatever ends the run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.case_runs import ends, wait_until_scored
from tests.support.cases_table import final_files, n_lines, start_infer, unbroken_files, write_cases_table
from tests.support.small_disk import resize, small_disk

N_CASES, GONE = 8, 5

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes by /proc")


@pytest.fixture(scope="module")
def table(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases_table(tmp_path_factory.mktemp("cases"), study, N_CASES, GONE)


@pytest.fixture(scope="module")
def serial(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return unbroken_files(table, tmp_path_factory.mktemp("serial"), in_any_order=True)


def start(table: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    return start_infer(table, out, "--jobs", "2", *more)


def workers_of(pid: int) -> list[int]:
    """Return the processes that score for another one."""
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.slow
def test_two_processes_give_the_bytes_of_one_though_one_is_killed(
    table: Path, serial: dict[str, str], tmp_path: Path
) -> None:
    process = start(table, tmp_path)
    wait_until_scored(process, tmp_path, 2)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 4, said
    assert final_files(tmp_path, in_any_order=True) == serial
    record = read_results(tmp_path / "results.json").run
    assert record is not None
    assert {stage.name: stage.n for stage in record.stages}["score"] == N_CASES - 1


@pytest.mark.slow
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
    assert final_files(tmp_path, in_any_order=True) == serial


def test_a_second_run_into_the_folder_is_refused_and_the_first_goes_on(
    table: Path, serial: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = start(table, tmp_path)
    wait_until_scored(process, tmp_path, 1)
    process.send_signal(signal.SIGSTOP)  # holds the folder, and does not end meanwhile
    for more in ([], ["--resume"], ["--jobs", "2"]):
        assert run(["infer", str(table), "-o", str(tmp_path), *more]) == 2
        (refusal,) = capfd.readouterr().err.splitlines()
        assert "Expected an output folder that no other run writes to" in refusal
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=120)
    assert process.returncode == 4
    assert final_files(tmp_path, in_any_order=True) == serial


def test_a_full_disk_is_one_line_and_costs_nothing(
    table: Path, serial: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "disk" / "out"
    command = ["infer", str(table), "-o", str(out), "--resume", "--quiet", "--jobs", "2"]
    with small_disk(tmp_path / "disk", "8k"):
        assert run(command) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith(f"nodulus: Expected to write {out / 'cases.jsonl'}, got: No space left on device after ")
        resize(tmp_path / "disk", "1m")
        assert run(command) == 4
        assert final_files(out, in_any_order=True) == serial


def test_an_output_folder_that_vanishes_costs_nothing(table: Path, serial: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(table, out, "--quiet")
    wait_until_scored(process, out, 2)
    shutil.rmtree(out)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 4, said
    assert final_files(out, in_any_order=True) == serial


def test_a_call_that_a_process_finds_wrong_ends_the_run_with_its_line(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases").write_text("in the way")
    assert run(["infer", str(table), "-o", str(tmp_path), "--quiet", "--jobs", "2", "--fhir", "--resume"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("nodulus: Expected to write ")


def test_the_number_of_processes_must_be_one_or_more(table: Path, tmp_path: Path) -> None:
    assert run(["infer", str(table), "-o", str(tmp_path), "--jobs", "0"]) == 2
