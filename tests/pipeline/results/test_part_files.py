"""Parts hold what results.json and results.csv hold, in the table's order, a bounded number of cases a file."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results import part_files
from nodulus.pipeline.results.record import read_results
from tests.support.cases_table import write_cases_table

N_CASES, GONE = 3, 1


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_files, "CASES_A_PART", 2)


def scored(study: DemoStudy, folder: Path, kind: str) -> Path:
    table, out = write_cases_table(folder, study, N_CASES, GONE), folder / "out"
    assert run(["infer", str(table), "-o", str(out), "--quiet", "--parts", kind]) == 4
    return out


def test_lines_are_the_cases_of_the_record(study: DemoStudy, tmp_path: Path) -> None:
    out = scored(study, tmp_path, "jsonl")
    names = ["part-00000.jsonl", "part-00001.jsonl"]
    parts = [out / "parts" / name for name in names]
    assert sorted((out / "parts").iterdir()) == parts
    lines = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    assert lines == json.loads((out / "results.json").read_text())["cases"]
    record = read_results(out / "results.json").run
    assert record is not None
    assert {f"parts/{name}" for name in names} <= {file.name for file in record.files}


def test_rows_are_those_of_the_table(study: DemoStudy, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    out = scored(study, tmp_path, "parquet")
    rows = parquet.read_table(out / "parts").to_pylist()
    with (out / "results.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    assert len(rows) == len(expected) == N_CASES
    for row, cells in zip(rows, expected, strict=True):
        assert row.keys() == cells.keys()
        for name, value in row.items():
            assert value == (None if cells[name] == "" else type(value)(cells[name])), name
    assert isinstance(rows[0]["probability_malignant"], float)


def test_without_pyarrow_the_line_says_how_to_get_it(
    study: DemoStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    table = write_cases_table(tmp_path, study, N_CASES, GONE)
    assert run(["infer", str(table), "-o", str(tmp_path / "out"), "--parts", "parquet"]) == 2
    assert "pip install 'nodulus[parquet]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
