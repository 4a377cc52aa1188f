"""What the cost grows with: slices of a scan, nodules in it, and cases that are not there; CPU time, one thread."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import write_text
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.phantom import PhantomSpec, make_phantom, write_dicom_series
from nodulus.pipeline.scoring.scorer import Scorer

from .table import COLUMNS
from .watch import infer

SLICES = (10, 100, 500, 1000, 2000)
NODULES, NODULES_OF_SHIPPED = (1, 10, 100, 500), (1, 10, 50)
MANY = (1250, 5000, 20_000)
_SPEC = PhantomSpec(size_xyz=(96, 96, 2000), spacing_mm=(3.4, 3.4, 0.4))
_ROUNDS = 3
Seconds = dict[str, float]


def slices_figures(home: Path) -> Seconds:
    """Return the CPU time to open a scan of so many slices and to score one nodule in it."""
    folder, center = _series(home)
    paths = sorted(folder.iterdir())
    middle = len(paths) // 2
    scorer, found = _scorer(None), {}
    for n_slices in SLICES:
        part = home / f"{n_slices}-slices"
        part.mkdir(parents=True, exist_ok=True)
        start = max(middle - n_slices // 2, 0)
        for path in paths[start : start + n_slices]:
            (part / path.name).hardlink_to(path)
        found[str(n_slices)] = _cpu_s(lambda part=part: _score(scorer, part, _nodules([center])))  # type: ignore[misc]
    return found


def nodules_figures(home: Path, bundle: Path | None) -> Seconds:
    """Return the CPU time to score so many nodules of one scan; of the most of them once."""
    _, center = _series(home)
    part = home / "500-slices"
    scorer, chance = _scorer(bundle), np.random.default_rng(0)
    centers = [np.asarray(center) + chance.uniform(-30, 30, 3) for _ in range(max(NODULES))]
    return {
        str(n): _cpu_s(lambda n=n: _score(scorer, part, _nodules(centers[:n])), 1 if n > 10 else _ROUNDS)  # type: ignore[misc]
        for n in (NODULES if bundle else NODULES_OF_SHIPPED)
    }


def many_nodules_figures(home: Path, bundle: Path) -> Seconds:
    """Return the CPU time of `nodulus infer` on a scan with so many nodules, with a network that costs little."""
    _, center = _series(home)
    chance, found = np.random.default_rng(1), {}
    for n_nodules in MANY:
        rows = [(n, *np.round(np.asarray(center) + chance.uniform(-30, 30, 3), 2), 8) for n in range(n_nodules)]
        table = write_text(home / f"{n_nodules}.csv", csv_text(COLUMNS[2:], rows))
        # An outline of each would take most of the time; a table of many cases has none either, unless it is asked for.
        words = ["--nodules", str(table), "--bundle", str(bundle), "--no-measures"]
        found[str(n_nodules)] = _command_s(infer(home / "500-slices", home / "many", *words))
    return found


def missing_cases_figures(home: Path, bundle: Path) -> Seconds:
    """Return the CPU time of `nodulus infer` on a table of so many cases whose scans are not there."""
    found = {}
    for n_cases in MANY:
        rows = [(f"case-{n:05d}", f"nowhere/{n:05d}.nii", 1, 0, 0, 0, 8) for n in range(n_cases)]
        table = write_text(home / f"missing-{n_cases}.csv", csv_text(COLUMNS, rows))
        found[str(n_cases)] = _command_s(infer(table, home / f"missing-{n_cases}", "--bundle", str(bundle)))
    return found


def _series(home: Path) -> tuple[Path, Sequence[float]]:
    """Return the folder of a series of 2000 slices, made once, and where its middle nodule is."""
    folder = home / "series"
    nodule = min(_SPEC.nodules, key=lambda each: abs(each.center_lps_mm[2]))
    if not folder.is_dir():
        write_dicom_series(make_phantom(_SPEC), folder)
    return folder, nodule.center_lps_mm


def _scorer(bundle: Path | None) -> Scorer:
    torch.set_num_threads(1)
    return Scorer(bundle, device="cpu", allow="too_few_slices,no_lung")


def _nodules(centers: Iterable[Sequence[float] | np.ndarray]) -> list[Nodule]:
    return [Nodule(str(n), (float(x), float(y), float(z)), 8.0) for n, (x, y, z) in enumerate(centers)]


def _score(scorer: Scorer, scan: Path, nodules: list[Nodule]) -> None:
    scorer.scans.clear()
    scorer.score(scan, nodules)


def _cpu_s(call: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Return the least CPU time of some calls, after one that does not count."""
    if rounds > 1:
        call()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return round(min(times), 4)


def _command_s(command: list[str]) -> float:
    """Return the CPU time of a command with its children."""
    before = os.times()
    quiet = subprocess.DEVNULL
    subprocess.run(command, stdout=quiet, stderr=quiet, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    after = os.times()
    return round(after.children_user + after.children_system - before.children_user - before.children_system, 1)
