"""Whether runs have left the same results, whatever scored them in whatever order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def same_results(output: Path, other: Path, n_cases: int) -> bool:
    """Return whether the first cases of two runs are the same to the byte, in both files, and all are there once."""
    return _rows(output, n_cases) == _rows(other, n_cases) and _cases(output, n_cases) == _cases(other, n_cases)


def lost_and_doubled(output: Path, n_cases: int) -> tuple[int, int]:
    """Return how many cases a run's journal lacks, and how many it holds twice."""
    lines = (output / "cases.jsonl").read_text().splitlines()[1:]
    names = [json.loads(line)["result"]["case_id"] for line in lines]
    return n_cases - len(set(names)), len(names) - len(set(names))


def _rows(output: Path, n_cases: int) -> list[str]:
    return (output / "results.csv").read_text().splitlines()[: n_cases + 1]  # one nodule a case


def _cases(output: Path, n_cases: int) -> str:
    record: dict[str, Any] = json.loads((output / "results.json").read_text())
    return json.dumps(record["cases"][:n_cases])
