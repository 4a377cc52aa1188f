"""The whole command: one scan, and fifty in one run, by each engine, in processes of their own that take turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import write_text
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.results.record import read_results

N_SCANS = 50
_COLUMNS = ("case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")


def write_cases(scan: Path, nodule: Nodule, folder: Path) -> Path:
    """Write a table of fifty cases, each a link of its own to the scan, so that none is known before."""
    rows = []
    for number in range(N_SCANS):
        link = folder / f"scan{number:02d}"
        link.unlink(missing_ok=True)
        link.symlink_to(scan.resolve())
        rows.append((link.name, link.name, nodule.nodule_id, *nodule.center_lps_mm, nodule.diameter_mm))
    return write_text(folder / "cases.csv", csv_text(_COLUMNS, rows))


def cpu_seconds(runs: Mapping[str, Sequence[str]], output: Path, rounds: int) -> dict[str, float]:
    """Return the median time (s) on the processor of `nodulus infer` with some words; each has its turn in a round.

    The time on the processor, not on the clock, since a machine may be shared.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, words in runs.items():
            before = os.times()
            _infer(words, output / name)
            after = os.times()
            used = after.children_user - before.children_user + after.children_system - before.children_system
            times[name].append(used)
    return {name: median(seconds) for name, seconds in times.items()}


def whole_over_scoring(words: Sequence[str], output: Path) -> float:
    """Return how much longer a process of `nodulus infer` takes than its scans take to open and score."""
    start = perf_counter()
    _infer(words, output)
    whole = perf_counter() - start
    run = read_results(output / "results.json").run
    if run is None:
        raise ValueError(f"Expected a record of the run in {output}, got none")
    return whole / sum(stage.seconds for stage in run.stages if stage.name in ("open", "score"))


def _infer(words: Sequence[str], output: Path) -> None:
    command = [str(Path(sys.executable).with_name("nodulus")), "infer", *words, "-q", "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True)
