"""The measurement of bands: what stays, what moves, and that the page is the record's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.places import RECORDS
from benchmarks.stability import page
from benchmarks.stability.measure import summary
from nodulus.pipeline.results.stability import ScoreBand, Stability


def band(point: tuple[float, float], size: tuple[float, float]) -> Stability:
    parts = {"point": point, "size": size}
    causes = {cause: ScoreBand(low=low, high=high, n=1) for cause, (low, high) in parts.items()}
    low, high = min(point[0], size[0]), max(point[1], size[1])
    return Stability.model_validate({"low": low, "high": high, "n": 2, "by_cause": causes})


def test_a_score_stays_where_no_cause_moves_it_further_either_way() -> None:
    bands = [
        band((0.46, 0.54), (0.5, 0.5)),  # stays
        band((0.44, 0.5), (0.5, 0.5)),  # down by the point
        band((0.5, 0.5), (0.5, 0.56)),  # up by the size
        band((0.46, 0.54), (0.46, 0.54)),  # stays: each cause alone
    ]
    found = summary([(0.5, each, 1.0, 1.0) for each in bands], ["a", "b", "c", "d"])
    assert found["stays"]["value"] == pytest.approx(0.5)
    assert {cause: each["value"] for cause, each in found["stays_by_cause"].items()} == {
        "point": pytest.approx(0.75),
        "size": pytest.approx(0.75),
        "noise": pytest.approx(1.0),
    }
    assert found["largest_width"] == pytest.approx(0.08)
    assert found["without_noise"] == 4


def test_the_page_is_that_of_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "stability.md"
    copy.write_text((RECORDS / "stability.md").read_text())
    monkeypatch.setattr(page, "PAGE", copy)
    page.write_page(json.loads((RECORDS / "stability.json").read_text()))
    assert copy.read_text() == (RECORDS / "stability.md").read_text()
