"""Late stages train on what was kept, readouts are summed as logits, and only validation patients calibrate."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks.frozen.study import Study, validation_auc
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.lidc.scores import NETWORK
from benchmarks.places import BUNDLE, RECORDS
from benchmarks.readouts import page, side_by_side
from benchmarks.readouts.late import Setting
from benchmarks.readouts.side_by_side import Run, keep_all, train_all
from benchmarks.readouts.study import BOTH, LATE, MIDDLE, READOUTS, Fold, calibrated_on, logits
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.statistics.metrics import roc_auc


@pytest.mark.slow
def test_a_tiny_run_trains_once_and_tells_large_balls_from_small_ones(
    tiny_crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path, Setting(BUNDLE, 2), 1)
    items = tuple(read_crops(tiny_crops, tmp_path))
    write_data_list(DataList(training=items), run.everything)
    fold = Fold("fold0", DataList(training=items[:16], validation=items[16:]))
    keep_all(run, 1)
    train_all(run, [(fold, 0)], 1)
    monkeypatch.setattr(side_by_side, "late_margins", None)  # it is not trained again
    said = run.late(fold, 0)
    assert said.shape == (20, 2)
    assert np.isfinite(said).all()
    study = Study({"plain": run.kept().said}, DataListFile.read(run.everything), BUNDLE)
    found = logits(study, fold.data.training, said)
    assert tuple(found) == READOUTS
    np.testing.assert_allclose(found[BOTH], found[LATE] + found[MIDDLE])
    assert validation_auc(study, fold.data.validation, found[MIDDLE]) == 1.0
    validated = [study.place[item.nodule_id] for item in fold.data.validation]
    others = np.delete(np.arange(len(items)), validated)
    moved = found[LATE].copy()
    moved[others] += np.linspace(-5, 5, len(others))[:, None]
    before, after = (calibrated_on(fold.data.validation, study, each) for each in (found[LATE], moved))
    np.testing.assert_allclose(after[validated], before[validated])
    assert not np.allclose(after[others], before[others])


RECORD = json.loads(page.RECORD.read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_page_shows_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(page, "write_between", lambda *parts: written.append(parts[-1]))
    page.write_page(RECORD)
    assert written[0] in page.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [NETWORK, *READOUTS])
def test_the_scores_in_the_list_give_the_record(name: str) -> None:
    by_fold: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows_of(page.SCORES):
        by_fold[row["rep"], row["fold"]].append(row)
    aucs = []
    for rows in by_fold.values():
        networks = [column for column in rows[0] if column == name or column.removeprefix(f"{name}_").isdigit()]
        labels = [int(row["label"]) for row in rows]
        aucs.append(np.mean([roc_auc(labels, [float(row[column]) for row in rows]) for column in networks]))
    assert np.mean(aucs) == pytest.approx(RECORD["compared"]["scores"][name]["auc"][0], abs=1e-4)


def test_the_nodules_are_those_of_the_benchmark() -> None:
    listed = [
        sorted((row["rep"], row["fold"], row["nodule_id"], row["label"]) for row in rows_of(path))
        for path in (page.SCORES, RECORDS / SCORE_FILE)
    ]
    assert listed[0] == listed[1]
