"""Every score of every nodule can be paired with: none is lost, none is another's."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lidc.folds import FoldKey, read_published, write_fold
from benchmarks.lidc.score_file import write_scores
from benchmarks.lidc.scores import FoldScores


def test_the_table_holds_every_score_of_every_nodule_and_no_patient(ball_benchmark: Path, tmp_path: Path) -> None:
    published = read_published(ball_benchmark)
    folds = []
    for fold in (0, 1):
        data = write_fold(ball_benchmark, tmp_path / f"{fold}.json", FoldKey(1, fold), published)
        n = len(data.test)
        scores = {
            "network": np.asarray([np.arange(n) / 10 + fold, np.arange(n) / 7]),
            "diameter": np.full((1, n), 0.25),
        }
        folds.append(FoldScores(FoldKey(1, fold), data.test, scores))
    text = write_scores(folds, tmp_path / "scores.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == ["rep", "fold", "nodule_id", "label", "network_1", "network_2", "diameter"]
    expected = [(fold, index, item) for fold in folds for index, item in enumerate(fold.nodules)]
    assert len(rows) == len(expected)
    for row, (scored, index, item) in zip(rows, expected, strict=True):
        assert (row["fold"], row["nodule_id"], row["label"]) == (str(scored.key.fold), item.nodule_id, str(item.label))
        assert float(row["network_1"]) == pytest.approx(scored.scores["network"][0][index], rel=1e-5)
        assert float(row["network_2"]) == pytest.approx(scored.scores["network"][1][index], rel=1e-5)
    assert not any(item.patient_id in text for fold in folds for item in fold.nodules)
