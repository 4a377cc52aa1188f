"""The table of an evaluation's nodules."""

from __future__ import annotations

import csv
from pathlib import Path

from nodulus.pipeline.evaluation.predictions import Prediction, write_predictions


def prediction(nodule_id: str, patient_id: str, **baselines: float) -> Prediction:
    return Prediction(nodule_id, patient_id, 1, 8.0, 0.7, 0.6, 0.5, baselines=baselines)


def test_patients_are_numbered_and_not_named(tmp_path: Path) -> None:
    said = [prediction("a", "Doe^Jane"), prediction("b", "Roe"), prediction("c", "Doe^Jane")]
    path = write_predictions(said, tmp_path / "nodules.csv")
    with path.open(newline="") as lines:
        assert [row["patient"] for row in csv.DictReader(lines)] == ["1", "2", "1"]
    assert "Doe" not in path.read_text()


def test_a_baseline_that_only_some_nodules_have_has_its_column(tmp_path: Path) -> None:
    path = write_predictions([prediction("a", "P1"), prediction("b", "P2", other=0.25)], tmp_path / "nodules.csv")
    with path.open(newline="") as lines:
        assert [row["other"] for row in csv.DictReader(lines)] == ["", "0.25"]
