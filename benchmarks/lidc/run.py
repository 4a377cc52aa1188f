"""Trains the networks of all folds, each in a process of its own, some at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import ROOT

from .fold_run import FoldRun, TrainingOptions

LOG = "log.txt"


@dataclass(frozen=True)
class Outcome:
    """How a fold's process ended.

    Args:
        run: which fold and seed.
        problem: the last line that it said before it failed; None where its predictions are there.
        log: everything that it said.
    """

    run: FoldRun
    problem: str | None
    log: Path

    def __str__(self) -> str:
        return f"{self.run}: {'done' if self.problem is None else f'FAILED, {self.problem} (see {self.log})'}"


def run_all(
    runs: Sequence[FoldRun],
    crops: Path,
    out: Path,
    options: TrainingOptions,
    n_jobs: int,
    say: Callable[[str], None],
) -> list[Outcome]:
    """Train and score folds, ``n_jobs`` at a time, and return how each ended; one that fails stops no other.

    Args:
        runs: folds and seeds.
        crops: folder of LIDC-IDRI crops.
        out: receives a folder for each run, with ``log.txt``.
        options: of the training.
        n_jobs: processes at a time; they share the cores.
        say: told of each fold as it ends.
    """

    def one(run: FoldRun) -> Outcome:
        outcome = _run_process(run, crops, out, options, n_jobs)
        say(str(outcome))
        return outcome

    with ThreadPoolExecutor(n_jobs) as pool:
        return list(pool.map(one, runs))


def fold_command(run: FoldRun, crops: Path, out: Path, options: TrainingOptions) -> list[str]:
    """Return the command that trains and scores one fold."""
    command = [sys.executable, "-m", "benchmarks.lidc", "fold"]
    command += ["--rep", str(run.key.rep), "--fold", str(run.key.fold), "--seed", str(run.seed)]
    command += ["--crops", str(crops.absolute()), "-o", str(out.absolute()), "--bundle", str(options.bundle.absolute())]
    command += ["--device", options.device]
    for name, value in (("--epochs", options.epochs), ("--views", options.views)):
        command += [] if value is None else [name, str(value)]
    return command


def _run_process(run: FoldRun, crops: Path, out: Path, options: TrainingOptions, n_jobs: int) -> Outcome:
    log = run.folder(out) / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    n_threads = max(1, (os.cpu_count() or 1) // n_jobs)
    environment = {**os.environ, "OMP_NUM_THREADS": str(n_threads)}
    # The log of a run that broke off is worth keeping before that of the one that goes on.
    with log.open("a", encoding="utf-8") as lines:
        command = fold_command(run, crops, out, options)
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=lines, stderr=lines, check=False)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    problem = None if done.returncode == 0 else (said[-1] if said else f"exit code {done.returncode}")
    return Outcome(run, problem, log)
