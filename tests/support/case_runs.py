"""Runs over a table of cases, and what they leave behind."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import time
from pathlib import Path

from nodulus.pipeline.phantom.demo_study import DemoStudy


def write_cases(study: DemoStudy, folder: Path, n_cases: int, gone: int) -> Path:
    """Write a table of cases, each with a scan of its own but one whose scan is gone; return its path."""
    x, y, z = study.marked.nodules[0].center_lps_mm
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm"])
        for index in range(n_cases):
            if index != gone:
                shutil.copy(study.nifti, folder / f"{index}.nii.gz")
            writer.writerow([f"case {index}", f"{index}.nii.gz", "1", x + index / 7, y, z, 9])
    return folder / "cases.csv"


def final_files(out: Path) -> dict[str, str]:
    """Return what lies in a folder after a run, the time left out, the journal's lines sorted."""
    texts = {path.name: path.read_text() for path in out.iterdir()}
    assert set(texts) == {"results.json", "results.csv", "cases.jsonl"}
    record = json.loads(texts["results.json"])
    record["created"] = record["run"] = ""
    head, *lines = texts["cases.jsonl"].splitlines()
    return texts | {"results.json": json.dumps(record), "cases.jsonl": "\n".join([head, *sorted(lines)])}


def n_lines(out: Path) -> int:
    journal = out / "cases.jsonl"
    return journal.read_bytes().count(b"\n") if journal.is_file() else 0


def wait_until_scored(process: subprocess.Popen[str], out: Path, n_cases: int) -> None:
    while n_lines(out) < n_cases + 1:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)


def ends(pids: list[int]) -> bool:
    """Return whether processes are gone within a minute."""
    for _ in range(6000):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.01)
    return False
