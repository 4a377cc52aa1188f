"""Waits for what a run over a table of cases does."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from .cases_table import n_lines


def wait_until_scored(process: subprocess.Popen[str], out: Path, n_cases: int) -> None:
    """Wait until a run's journal holds so many cases."""
    while n_lines(out) < n_cases + 1:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)


def ends(pids: list[int], within_s: int = 60) -> bool:
    """Return whether processes are gone within a minute, or another time."""
    for _ in range(within_s * 100):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.01)
    return False
