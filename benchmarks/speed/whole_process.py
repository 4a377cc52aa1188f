"""How long does the command take, from its start to its end, for one scan and for fifty?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from nodulus.pipeline.bundle.folder import find_bundle
from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import write_text

from .scans import Scan

N_SCANS = 50


def write_nodules(scan: Scan, folder: Path) -> Path:
    """Write the table of the scan's one nodule and return its path."""
    (nodule,) = scan.nodules(1)
    path = folder / "nodules.csv"
    rows = [(nodule.nodule_id, *nodule.center_lps_mm, nodule.diameter_mm)]
    return _write_csv(path, ("nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm"), rows)


def write_cases(scan: Scan, folder: Path) -> Path:
    """Write a table of fifty cases, each a link of its own to the scan, so that none is known before."""
    (nodule,) = scan.nodules(1)
    rows = []
    for number in range(N_SCANS):
        link = folder / f"scan{number:02d}"
        link.unlink(missing_ok=True)
        link.symlink_to(scan.path.resolve())
        rows.append((link.name, link.name, nodule.nodule_id, *nodule.center_lps_mm, nodule.diameter_mm))
    columns = ("case_id", "input", "nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")
    return _write_csv(folder / "cases.csv", columns, rows)


def run_infer(inputs: list[str], output: Path) -> None:
    """Run `nodulus infer` as a process of its own."""
    _run(str(Path(sys.executable).with_name("nodulus")), "infer", *inputs, "--device", "cpu", "-o", str(output))


def run_monai_bundle(scan: Scan, table: Path, output: Path) -> None:
    """Run `python -m monai.bundle run` of the same config as a process of its own."""
    bundle = find_bundle()
    options = {"config_file": bundle / "configs" / "inference.json", "bundle_root": bundle, "image": scan.path}
    options |= {"nodules": table, "output_dir": output}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    _run(sys.executable, "-m", "monai.bundle", "run", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
    return write_text(path, csv_text(columns, rows))
