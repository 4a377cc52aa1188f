"""The record's page, its list of nodules, and that the committed ones are of the committed scores."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ceiling import models, page
from benchmarks.ceiling.__main__ import measure
from benchmarks.ceiling.nodules import Scored
from benchmarks.ceiling.page import END, LIST, PAGE, RECORD, START, write_page
from benchmarks.ceiling.wavering import list_nodules, measure_wavering
from benchmarks.ceiling.words import AGREED, MAIN, ceiling_in_words, figures_in_brief, others_in_words
from benchmarks.lidc.folds import FoldKey, median_label
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.places import RECORDS
from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import sha256_of
from tests.benchmarks.ceiling.test_readers import item


@pytest.fixture(scope="module")
def scored() -> Scored:
    """Return nodules whose readers mostly agree and whose score is wrong of those on which they do not."""
    generator = np.random.default_rng(0)
    opinions = generator.normal(3, 1.3, 100)
    readers = np.clip(np.rint(opinions[:, None] + generator.normal(0, 0.9, (100, 4))), 1, 5).astype(int).tolist()
    ratings = [panel[: 3 + k % 2] for k, panel in enumerate(readers)]
    labels = [median_label(panel) for panel in ratings]
    tested = np.asarray([k for k, label in enumerate(labels) if label is not None])
    scores = np.full((2, 100), np.nan)
    scores[:, tested] = 1 / (1 + np.exp(-2.0 * (opinions[tested] - 3)))
    folds = {repeat: {f"n{k}": FoldKey(repeat, int(k) % 3) for k in tested} for repeat in range(2)}
    items = tuple(item(k, panel, panel) for k, panel in enumerate(ratings))
    return Scored(items, tested, scores, folds)


def test_nodules_are_listed_from_the_farthest_on_with_what_readers_said(scored: Scored) -> None:
    rows = list_nodules(scored)
    assert len(rows) == len(scored.tested)
    assert [row["far"] for row in rows] == sorted((row["far"] for row in rows), reverse=True)
    for row in rows:
        assert row["label"] == median_label([int(each) for each in row["ratings"].split("|")])
        assert row["far"] == pytest.approx(abs(row["score"] - row["label"]), abs=1e-3)
    found = measure_wavering(rows)
    assert sum(each["nodules"] for name, each in found["groups"].items() if name != "all") == len(rows)
    assert found["wavering_of_wrong"]["nodules"] == found["groups"]["all"]["wrong"]
    assert found["groups"][AGREED]["wrong_share"]["value"] < found["groups"]["on both sides"]["wrong_share"]["value"]


def test_the_page_holds_the_record_between_its_markers(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "N_NORMALS", (1, MAIN))
    rows = list_nodules(scored)
    record = json.loads(json.dumps(measure(scored, rows, 2)))
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(page, "LIST", tmp_path / "list.csv")
    (tmp_path / "list.csv").write_text(csv_text(list(rows[0]), (row.values() for row in rows)))
    (tmp_path / "page.md").write_text(f"# Title\n\n{START}\nof old\n{END}\n\n## How\n")
    write_page(record)
    text = (tmp_path / "page.md").read_text()
    assert text.startswith(f"# Title\n\n{START}\n\n100 nodules of 100 patients at hand")
    assert text.endswith(f"{END}\n\n## How\n")
    assert f"| {rows[0]['nodule_id']} |" in text
    assert f"{record['models'][1]['perfect']['value']:.3f}" in text


def test_committed_page_record_and_list_are_of_the_committed_scores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = json.loads(RECORD.read_text())
    assert record["made_from"][SCORE_FILE] == sha256_of(RECORDS / SCORE_FILE), "make bench-ceiling CROPS=FOLDER"
    with LIST.open(newline="") as lines:
        assert len(list(csv.DictReader(lines))) == record["tested"]["nodules"]
    before = PAGE.read_text()
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text(before)
    write_page(record)
    assert (tmp_path / "page.md").read_text() == before


def test_the_words_for_other_pages_hold_the_records_figures() -> None:
    readers = json.loads(RECORD.read_text())["readers"]
    words = others_in_words()
    for name in ("others_characteristics", "same_characteristics"):
        assert f"{readers[name]['auc']['value']:.3f}" in words
    main = next(model for model in json.loads(RECORD.read_text())["models"] if model["normals"] == MAIN)
    assert f"{main['perfect']['value']:.3f}" in ceiling_in_words()
    wrong = json.loads(RECORD.read_text())["wavering"]["groups"]["all"]["wrong"]
    assert str(wrong) in figures_in_brief()["wavering"]
    assert figures_in_brief()["others"] in words
