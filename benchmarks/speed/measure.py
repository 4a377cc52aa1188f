"""Which scenarios are measured, one by one?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .alternatives import readers, simpleitk_patch, stock_monai
from .figures import Agreement, Figure, FloorFigure, Goal
from .floor import floor_of
from .interleave import interleaved_seconds
from .ours import patch_hu, patches, predict, score
from .peak_memory import OURS, can_measure, peak_mib
from .scans import N_NODULES, Scan
from .whole_process import N_SCANS, run_infer, run_monai_bundle, write_cases, write_nodules

STOCK = Goal("at least", 30)
SIMPLEITK = Goal("at least", 2)
TEN = Goal("at most", 2)
MEMORY = Goal("at most", 1 / 4)
PROCESS = Goal("at most", 1 / 2)
FIFTY = Goal("at most", 1.2)
NODULE = Goal("at most", 1)
NODULE_BUDGET_S = 0.060
WARM = "path to patch, 1 nodule"

Measured = Figure | FloorFigure | Agreement


def warm_figures(scan: Scan, rounds: int) -> Iterator[Measured]:
    """Yield what a path to the patch costs in a warm process, against SimpleITK, itself, and the floor."""
    floor = floor_of(scan)
    calls: dict[str, Callable[[], object]] = {
        "fresh": lambda: patches(scan, 1, fresh=True),
        "ten": lambda: patches(scan, N_NODULES, fresh=True),
        "SimpleITK": lambda: simpleitk_patch(scan),
        "read": floor.read,
        "resample": floor.resample,
    }
    took = interleaved_seconds(calls, rounds)
    took |= interleaved_seconds({"cached": lambda: patches(scan, 1, fresh=False)}, rounds)
    took |= interleaved_seconds({"scored": lambda: predict(scan)}, rounds)
    fresh, sitk = took["fresh"], took["SimpleITK"]
    yield Agreement(scan.name, float(np.abs(patch_hu(scan) - simpleitk_patch(scan)).max()))
    against = "SimpleITK" if scan.path.is_dir() or not scan.is_dicom else "SimpleITK, extracted"
    yield Figure(f"{WARM}, fresh headers", scan.name, fresh, against, sitk, "s", SIMPLEITK)
    yield Figure(f"{WARM}, cached headers", scan.name, took["cached"], against, sitk, "s", SIMPLEITK)
    scored = took["scored"]
    yield Figure("patch and score, 1 nodule, cached headers", scan.name, scored, "budget", NODULE_BUDGET_S, "s", NODULE)
    yield Figure(f"path to patch, {N_NODULES} nodules", scan.name, took["ten"], "ours, 1 nodule", fresh, "s", TEN)
    yield FloorFigure(scan.name, floor.n_bytes, took["read"], took["resample"], fresh, took["cached"], took["ten"])


def stock_figures(scan: Scan, rounds: int) -> Iterator[Figure]:
    """Yield what a path to the patch costs in a warm process, against the better of MONAI's readers."""
    calls: dict[str, Callable[[], object]] = {"ours": lambda: patches(scan, 1, fresh=True)}
    for reader in readers(scan):
        calls[reader] = lambda reader=reader: stock_monai(scan, reader)  # type: ignore[misc]
    took = interleaved_seconds(calls, rounds, warm_up=False)
    best = min(readers(scan), key=lambda reader: took[reader])
    against = f"stock MONAI, {best}"
    yield Figure(f"{WARM}, fresh headers", scan.name, took["ours"], against, took[best], "s", STOCK)


def memory_figures(scan: Scan) -> Iterator[Figure]:
    """Yield the peak memory of one patch, against that of MONAI's leanest reader; nothing where it is not told."""
    if not can_measure():
        return
    peaks = {reader: peak_mib(scan, reader) for reader in readers(scan)}
    best = min(peaks, key=lambda reader: peaks[reader])
    yield Figure("peak memory", scan.name, peak_mib(scan, OURS), f"stock MONAI, {best}", peaks[best], "MiB", MEMORY)


def process_figures(scan: Scan, rounds: int) -> Iterator[Figure]:
    """Yield what `nodulus infer` costs as a process, for one scan and for fifty."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, cases = write_nodules(scan, folder), write_cases(scan, folder)
        one = interleaved_seconds(
            {
                "infer": lambda: run_infer([str(scan.path), "--nodules", str(table)], folder / "infer"),
                "bundle": lambda: run_monai_bundle(scan, table, folder / "bundle"),
            },
            rounds,
        )
        many = interleaved_seconds(
            {
                "fifty": lambda: run_infer([str(cases)], folder / "fifty"),
                "warm": lambda: [score(scan) for _ in range(N_SCANS)],
            },
            max(rounds // 2, 1),
        )
    infer, bundle = one["infer"], one["bundle"]
    yield Figure("nodulus infer, 1 scan", scan.name, infer, "python -m monai.bundle run", bundle, "s", PROCESS)
    against = f"{N_SCANS} x one warm scan"
    yield Figure(f"nodulus infer, {N_SCANS} scans", scan.name, many["fifty"], against, many["warm"], "s", FIFTY)
    # Where a scan takes a fraction of the start, the start decides the line above; this one leaves it out.
    further, warm = (many["fifty"] - infer) / (N_SCANS - 1), many["warm"] / N_SCANS
    yield Figure("each scan after the first of them", scan.name, further, "one warm scan", warm, "s", FIFTY)
