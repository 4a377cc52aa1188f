"""Whatever ends a run of `nodulus infer` costs the case in work; --resume goes on, to the bytes of an unbroken run."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from threading import Thread

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.scoring.scorer import Scorer
from tests.support.cases_table import final_files, n_lines, start_infer, unbroken_files, write_cases_table
from tests.support.small_disk import resize, small_disk

N_CASES = 12
GONE = 5  # of this case there is no scan


@pytest.fixture(scope="module")
def table(study: DemoStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases_table(tmp_path_factory.mktemp("cases"), study, N_CASES, GONE)


@pytest.fixture(scope="module")
def unbroken(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the final files of a run that nothing broke off."""
    return unbroken_files(table, tmp_path_factory.mktemp("unbroken"))


def wait_for_lines(process: subprocess.Popen[str], out: Path, n_expected: int) -> None:
    for _ in range(60_000):
        if n_lines(out) >= n_expected or process.poll() is not None:
            break
        time.sleep(0.001)
    assert process.poll() is None, process.communicate()[1]


def errors_of(process: subprocess.Popen[str]) -> list[str]:
    return process.communicate(timeout=60)[1].splitlines()


@pytest.mark.slow
def test_a_run_that_is_killed_thrice_ends_as_an_unbroken_one(
    table: Path, unbroken: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(9)
    (tmp_path / "results.json").write_text("of an earlier run")
    killed = start_infer(table, tmp_path)
    wait_for_lines(killed, tmp_path, chance.randint(1, 3))
    killed.send_signal(signal.SIGKILL)
    assert errors_of(killed) == []
    assert killed.returncode == -signal.SIGKILL
    assert {path.name for path in tmp_path.iterdir()} == {"results.json.before", "cases.jsonl", ".nodulus.lock"}

    for number, n_expected in ((signal.SIGTERM, chance.randint(5, 7)), (signal.SIGINT, chance.randint(9, 10))):
        before = n_lines(tmp_path)
        stopped = start_infer(table, tmp_path, "--resume")
        wait_for_lines(stopped, tmp_path, n_expected)
        if number == signal.SIGTERM:
            stopped.send_signal(signal.SIGSTOP)  # holds the folder, and does not end meanwhile
            assert run(["infer", str(table), "-o", str(tmp_path), "--resume"]) == 2
            (refusal,) = capfd.readouterr().err.splitlines()
            assert "Expected an output folder that no other run writes to" in refusal
        stopped.send_signal(number)
        stopped.send_signal(signal.SIGCONT)
        resumed, kept, last = errors_of(stopped)
        assert stopped.returncode == 130
        assert resumed.startswith(f"nodulus: resuming after {before - 1} of {N_CASES} cases in ")
        # The interrupt may come while the disk takes a line: then it is there, and not yet counted.
        n_counted = int(kept.split()[1])
        assert n_counted in (n_lines(tmp_path) - 1, n_lines(tmp_path) - 2)
        rest = f"of {N_CASES} cases are in {tmp_path / 'cases.jsonl'}: --resume goes on"
        assert kept == f"nodulus: {n_counted} {rest}"
        assert last == "nodulus: stopped"
        assert not (tmp_path / "results.json").exists()

    assert run(["infer", str(table), "-o", str(tmp_path), "--resume", "--quiet"]) == 4
    assert final_files(tmp_path) == unbroken


def test_cases_in_the_journal_are_not_scored_again(
    table: Path, unbroken: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in unbroken.items():
        (tmp_path / name).write_text(text)
    lines = unbroken["cases.jsonl"].splitlines(keepends=True)
    (tmp_path / "cases.jsonl").write_text("".join(lines[:-2]) + lines[-2][:50])
    scored: list[str] = []
    score_many = Scorer.score_many

    def note_and_score(self: Scorer, cases: list[object], *rest: object) -> Iterator[object]:
        scored.extend(case.case_id for case in cases)  # type: ignore[attr-defined]  # cases of a table
        return score_many(self, cases, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Scorer, "score_many", note_and_score)
    assert run(["infer", str(table), "-o", str(tmp_path), "--resume", "--quiet"]) == 4
    assert scored == [f"case {N_CASES - 2}", f"case {N_CASES - 1}"]
    assert final_files(tmp_path) == unbroken


def test_a_full_disk_is_one_line_with_the_path_and_costs_nothing(
    table: Path, unbroken: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    out, command = disk / "out", ["infer", str(table), "-o", str(disk / "out"), "--resume", "--quiet"]
    # In pages of 4 KiB the journal takes 20 KiB, results.csv, which is written first, 8, and results.json more.
    with small_disk(disk, "8k"):
        assert run(command) == 2
        (line,) = capfd.readouterr().err.splitlines()
        kept = n_lines(out) - 1
        assert kept > 2
        said = f"nodulus: Expected to write {out / 'cases.jsonl'}, got: No space left on device after {kept} cases: "
        assert line == f"{said}when it can be written again, --resume goes on"

        resize(disk, "28k")
        assert run(command) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert line == f"nodulus: Expected to write {out / 'results.json'}, got: No space left on device"
        assert n_lines(out) == N_CASES + 1

        resize(disk, "1m")
        assert run(command) == 4
        assert final_files(out) == unbroken


def test_a_file_that_may_grow_no_further_is_a_full_disk_too(
    table: Path, unbroken: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, before[1]))
    try:
        code = run(["infer", str(table), "-o", str(tmp_path), "--quiet"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 2
    (line,) = capfd.readouterr().err.splitlines()
    kept = n_lines(tmp_path) - 1
    assert line.startswith(f"nodulus: Expected to write {tmp_path / 'cases.jsonl'}, got: File too large after {kept}")
    assert run(["infer", str(table), "-o", str(tmp_path), "--resume", "--quiet"]) == 4
    assert final_files(tmp_path) == unbroken


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_standard_output_that_is_full_is_no_bug_of_ours(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, TextIOWrapper(full, write_through=True) as text:
        monkeypatch.setattr(sys, "stdout", text)
        assert run(["info", "--json"]) == 2
    assert capfd.readouterr().err == "nodulus: Expected room for what is written, got: No space left on device\n"


def test_an_output_folder_that_vanishes_costs_nothing(table: Path, unbroken: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"

    def remove() -> None:
        while n_lines(out) < 5:
            time.sleep(0.001)
        shutil.rmtree(out)

    remover = Thread(target=remove)
    remover.start()
    code = run(["infer", str(table), "-o", str(out), "--quiet"])
    remover.join()
    assert code == 4
    assert final_files(out) == unbroken


def test_an_interrupt_that_a_library_swallows_records_no_refusal(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from nodulus.pipeline.command import stopping

    score_many = Scorer.score_many

    def swallow(self: Scorer, cases: list[object], *rest: object) -> Iterator[object]:
        if n_lines(tmp_path) == 4:
            stopping._asked.set()
        return score_many(self, cases, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Scorer, "score_many", swallow)
    monkeypatch.setattr(stopping, "_asked", type(stopping._asked)())
    assert run(["infer", str(table), "-o", str(tmp_path)]) == 130
    assert n_lines(tmp_path) == 4
    assert capfd.readouterr().err.splitlines()[-1] == "nodulus: stopped"


def test_a_call_that_cannot_go_on_says_why_and_keeps_what_is_there(
    table: Path, unbroken: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, text in unbroken.items():
        (tmp_path / name).write_text(text)
    os.utime(tmp_path / "results.json", (1, 1))
    for words in (["--allow", "lossy"], ["--frame", "RAS"], ["--series", "1.2.3"]):
        assert run(["infer", str(table), "-o", str(tmp_path), "--resume", *words]) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert "got a call that differs from it: " in line
    assert run(["infer", str(table), "-o", str(tmp_path), "--bundle", "nowhere"]) == 2
    assert final_files(tmp_path) == unbroken
    assert (tmp_path / "results.json").stat().st_mtime == 1
