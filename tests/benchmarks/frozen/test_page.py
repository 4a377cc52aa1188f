"""What the page and the list of scores say is what the record says."""

from __future__ import annotations

import csv
import json
from collections import defaultdict

import pytest

from benchmarks.frozen import page
from benchmarks.frozen.study import ALL, MODELS
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.lidc.scores import NETWORK
from benchmarks.places import RECORDS
from nodulus.pipeline.statistics.metrics import roc_auc

RECORD = json.loads(page.RECORD.read_text(encoding="utf-8"))


def test_the_page_shows_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(page, "write_between", lambda *parts: written.append(parts[-1]))
    page.write_page(RECORD)
    assert written[0] in page.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [NETWORK, ALL, f"plain and {NETWORK}"])
def test_the_scores_in_the_list_give_the_record(name: str) -> None:
    by_fold: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with page.SCORES.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            by_fold[row["rep"], row["fold"]].append(row)
    aucs = [
        roc_auc([int(row["label"]) for row in rows], [float(row[name]) for row in rows]) for rows in by_fold.values()
    ]
    assert sum(aucs) / len(aucs) == pytest.approx(RECORD["compared"]["scores"][name]["auc"][0], abs=1e-4)


def test_the_nodules_are_those_of_the_benchmark() -> None:
    listed = []
    for path in (page.SCORES, RECORDS / SCORE_FILE):
        with path.open(newline="", encoding="utf-8") as lines:
            listed.append([(row["rep"], row["fold"], row["nodule_id"], row["label"]) for row in csv.DictReader(lines)])
    assert sorted(listed[0]) == sorted(listed[1])


def test_views_are_judged_by_validation_alone_and_all_are_told() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    for name in MODELS:
        assert len(RECORD["validation"][name]) == 3
        assert f"\n| {name} |" in text
        assert f"\n| {name} and {NETWORK} |" in text
