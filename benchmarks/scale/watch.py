"""Commands at work: how many cases are done when, what their processes hold, and the CPU time that they took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_EVERY_S = 0.25


@dataclass(frozen=True)
class Sample:
    """What was seen at one time: seconds since the start, cases done, and resident MiB by process."""

    seconds: float
    n_done: int
    mib: dict[int, float]


@dataclass
class Watched:
    """Commands from their start to their end; ``cpu_s`` is that of all their processes, by process."""

    seconds: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    cpu_s: dict[int, float] = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)

    def scans_a_second(self, from_case: int) -> float:
        """Return how many cases a second were done after the first so many: the start of the processes left out."""
        first = next(sample for sample in self.samples if sample.n_done >= from_case)
        last = next(sample for sample in self.samples if sample.n_done == self.samples[-1].n_done)
        return (last.n_done - first.n_done) / max(last.seconds - first.seconds, 1e-9)

    def growth(self, n_cases: int) -> float:
        """Return the largest growth of a process that lived on to the end: 1.05 is 5 % more.

        Compared is the most that it held while as many cases were done as came before, and while the last so many were:
        what it holds at one moment depends on the scan that it is at.
        """
        last = self.samples[-1].n_done
        early, late = self._most(n_cases, 2 * n_cases), self._most(last - n_cases, last)
        return max((late[pid] / mib for pid, mib in early.items() if pid in late and mib > 100), default=1.0)

    def _most(self, first: int, end: int) -> dict[int, float]:
        """Return the most MiB that each process held from so many cases done until so many."""
        most: dict[int, float] = {}
        for sample in self.samples:
            if first <= sample.n_done < end:
                most |= {pid: max(mib, most.get(pid, 0.0)) for pid, mib in sample.mib.items()}
        return most


def infer(table: Path, output: Path, *more: str) -> list[str]:
    """Return the command that scores a table."""
    return [sys.executable, "-m", "nodulus", "infer", str(table), "-o", str(output), "--quiet", *more]


def watch(
    commands: Sequence[list[str]], outputs: Sequence[Path], disturb: Callable[[psutil.Process, int], None] | None = None
) -> Watched:
    """Run commands side by side, one thread each, and return what was seen until all had ended.

    Args:
        commands: each with its words.
        outputs: the folders that they write to.
        disturb: called at each look with the first command's process and the number of cases done.
    """
    watched, start = Watched(), time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = [psutil.Popen(command, env=environment, **quiet) for command in commands]
    while any(process.poll() is None for process in running):
        n_done = sum(map(_n_done, outputs))
        watched.samples.append(Sample(time.perf_counter() - start, n_done, _look(running, watched.cpu_s)))
        if disturb is not None:
            disturb(running[0], n_done)
        time.sleep(_EVERY_S)
    watched.seconds = time.perf_counter() - start
    watched.exit_codes = [int(process.returncode) for process in running]
    watched.samples.append(Sample(watched.seconds, sum(map(_n_done, outputs)), {}))
    return watched


def _look(running: Sequence[psutil.Process], cpu_s: dict[int, float]) -> dict[int, float]:
    """Return the resident MiB of all processes of some commands, and note their CPU time."""
    mib: dict[int, float] = {}
    for command in running:
        try:
            family = [command, *command.children(recursive=True)]
        except psutil.Error:
            continue
        for process in family:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    cpu_s[process.pid] = times.user + times.system
                    mib[process.pid] = process.memory_info().rss / 2**20
            except psutil.Error:  # it has ended since
                continue
    return mib


def _n_done(output: Path) -> int:
    journal = output / "cases.jsonl"
    if not journal.is_file():
        return 0
    with journal.open("rb") as file:
        return max(sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) - 1, 0)
