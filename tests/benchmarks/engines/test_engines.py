"""The benchmark of the engines times each in blocks of its own, and knows what a run of many scans costs."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path

from benchmarks.engines.blocks import seconds_in_blocks
from benchmarks.engines.page import Measured, tables
from benchmarks.engines.processes import N_SCANS, write_cases
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.scoring.cases import read_cases


def test_calls_take_turns_in_blocks() -> None:
    called: list[str] = []
    calls = {name: (lambda name=name: called.append(name)) for name in ("a", "b")}
    found = seconds_in_blocks(calls, n_blocks=3, n_calls=20)
    assert [(name, len(list(block))) for name, block in groupby(called)] == [("a", 20), ("b", 20)] * 3
    assert set(found) == {"a", "b"}
    assert all(seconds >= 0 for seconds in found.values())


def test_the_page_judges_the_goals_by_the_best_engine() -> None:
    found = Measured(
        threads=2,
        network_s={1: {"torch": 0.2, "onnx": 0.05}},
        nodule_s={"torch": 0.24, "onnx": 0.0612},
        process_s={"torch": 4.0, "onnx": 1.2},
        scans_s={"torch": 20.0, "onnx": 8.0},
        over_warm={"torch": 1.5, "onnx": 1.31},
    )
    text = tables(found, load=0.5)
    assert "| network, 1 at once, ms | 200 | 50 |" in text
    assert "| one nodule by onnx, ms | 61.2 | 60 | **no** |" in text
    assert "| one nodule by torch, ms | 240 | 250 | yes |" in text
    assert "| a process by onnx over one by torch | 0.3 | 0.333 | yes |" in text
    assert "| 50 scans over 50 warm ones, by onnx | 1.31 | 1.3 | **no** |" in text


def test_fifty_cases_are_places_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    table = write_cases(tmp_path / "scan", Nodule("1", (1.0, 2.0, 3.0), 4.0), tmp_path)
    cases = read_cases(table)
    assert len({case.input for case in cases}) == N_SCANS == len(list(csv.DictReader(table.read_text().splitlines())))
    assert all(Path(str(case.input)).is_dir() for case in cases)
