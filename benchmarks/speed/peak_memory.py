"""How much memory does one patch take at its peak, above what the imported process holds?

`python -m benchmarks.speed.peak_memory NUMBER WAY` is the child process that is measured.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.places import ROOT

from .scans import Scan, scans

OURS = "ours"
_MIB = 1 << 10  # /proc counts in KiB


def can_measure() -> bool:
    """Return whether this system tells a process its peak (Linux does)."""
    return Path("/proc/self/clear_refs").exists()


def peak_mib(scan: Scan, way: str) -> float:
    """Return the peak of a child process that makes one patch in a way: ours, or a MONAI reader's name."""
    number = [each.name for each in scans(quick=False)].index(scan.name)
    command = [sys.executable, "-m", "benchmarks.speed.peak_memory", str(number), way]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Make the patch and print the peak in MiB."""
    number, way = int(sys.argv[1]), sys.argv[2]
    from .alternatives import stock_monai
    from .ours import patches, scorer

    scan = list(scans(quick=False))[number]
    if way == OURS:
        scorer()
    # "5" sets the peak back to what is held now (proc(5)).
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_mib("VmHWM")
    if way == OURS:
        patches(scan, 1, fresh=True)
    else:
        stock_monai(scan, way)
    print(_status_mib("VmHWM") - before)  # noqa: T201 - what the parent reads


def _status_mib(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{key}:")]
    return int(line.split()[1]) / _MIB


if __name__ == "__main__":
    main()
