"""The benchmark runs, and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_quick_benchmark_writes_ratios_and_proves_equal_work(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    command = [sys.executable, "-m", "benchmarks.speed", "--quick", "-o", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

    results = json.loads(output.read_text())

    assert {figure["against"].split(",")[0] for figure in results["figures"]} == {
        "SimpleITK",
        "stock MONAI",
        "ours",
        "budget",
    }
    assert all(figure["ratio"] > 0 for figure in results["figures"])
    # Timings of a shared machine are not asserted; that both sides do the same work is.
    assert all(each["max_abs_difference_hu"] < 1 for each in results["agreement"])
    assert "| path to patch, 1 nodule, fresh headers |" in done.stdout


def test_performance_page_holds_the_place_of_its_figures() -> None:
    text = (ROOT / "docs" / "records" / "performance.md").read_text()
    start, end = "<!-- figures: written by python -m benchmarks.speed --write-docs -->", "<!-- end of figures -->"
    assert text.index(start) < text.index("| what | scan |") < text.index(end)
