"""A table of cases about the phantom, one of which has no scan, and what a run over it leaves behind."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy

COLUMNS = ("case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")


def write_cases_table(folder: Path, study: DemoStudy, n_cases: int, gone: int, *, own_scans: bool = True) -> Path:
    """Write cases.csv and return its path.

    Args:
        folder: where it goes, and its scans with it.
        study: the phantom.
        n_cases: one nodule each, every one a little further.
        gone: the case whose scan does not exist.
        own_scans: copies the phantom for each case, so that none is open already when its turn comes.
    """
    x, y, z = study.marked.nodules[0].center_lps_mm
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index in range(n_cases):
            scan = f"{index}.nii.gz" if own_scans or index == gone else str(study.nifti)
            if own_scans and index != gone:
                shutil.copy(study.nifti, folder / scan)
            writer.writerow([f"case {index}", scan, "1", x + index / 7, y, z, 9])
    return folder / "cases.csv"


def final_files(out: Path, *, in_any_order: bool = False) -> dict[str, str]:
    """Return the texts that a finished run left, by name, the time left out.

    Args:
        out: the run's folder, which must hold nothing else.
        in_any_order: sorts the journal's lines, which come as cases end.
    """
    texts = {path.name: path.read_text() for path in out.iterdir()}
    assert set(texts) == {"results.json", "results.csv", "cases.jsonl"}
    record = json.loads(texts["results.json"])
    record.pop("run", None)  # seconds and memory
    head, *lines = texts["cases.jsonl"].splitlines(keepends=True)
    journal = "".join([head, *(sorted(lines) if in_any_order else lines)])
    return texts | {"results.json": json.dumps({**record, "created": ""}), "cases.jsonl": journal}


def unbroken_files(table: Path, out: Path, *, in_any_order: bool = False) -> dict[str, str]:
    """Return the final files of a run over a table, in one process, that nothing broke off."""
    assert run(["infer", str(table), "-o", str(out), "--quiet"]) == 4
    return final_files(out, in_any_order=in_any_order)


def n_lines(out: Path) -> int:
    """Return how many lines a run's journal has."""
    journal = out / "cases.jsonl"
    return journal.read_bytes().count(b"\n") if journal.is_file() else 0


def start_infer(table: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """Return a run over a table that goes on by itself; what it says on standard error can be read."""
    command = [sys.executable, "-m", "nodulus", "infer", str(table), "-o", str(out), *more]
    with _interrupts_heeded():
        return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


@contextmanager
def _interrupts_heeded() -> Iterator[None]:
    # Shells let what they start in the background pass over Ctrl-C, and tests may be started so; a process keeps what
    # its parent passes over, and takes the usual way for what its parent handles.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
