"""The study's arithmetic, on scores whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.federated.arms import ARMS
from benchmarks.federated.makers import MAKERS, hospitals, pooled
from benchmarks.federated.page import END, START, write_page
from benchmarks.federated.scores import Scored, read_scored, write_scored
from benchmarks.federated.table import judge, table
from benchmarks.places import BUNDLE


def scores(shift: float) -> list[Scored]:
    """Return scores that rank perfectly but for one pair a hospital; those of Philips lie higher."""
    return [
        Scored(maker, split, f"{maker}{split}{number}", f"{number}", number % 2, margin + shift * (maker == "philips"))
        for maker in MAKERS
        for split in ("validation", "test")
        for number, margin in enumerate((-2.0, 2.0, -1.0, 1.0, 0.2, -0.2, -3.0, 3.0))
    ]


def test_scores_survive_their_file(tmp_path: Path) -> None:
    write_scored(scores(0.5), tmp_path / "scores.csv")
    assert read_scored(tmp_path / "scores.csv") == scores(0.5)


def test_a_hospitals_own_calibration_takes_its_shift_back() -> None:
    arm = next(arm for arm in ARMS if arm.name == "without_philips")
    judged = judge(arm, scores(shift=2.0))
    by_maker = {maker: [one for one in judged if one.maker == maker] for maker in MAKERS}
    own = {maker: [round(one.own, 3) for one in ones] for maker, ones in by_maker.items()}
    assert own["philips"] == own["ge"]
    assert all(high.common > low.common for high, low in zip(by_maker["philips"], by_maker["ge"], strict=True))


def test_the_table_shows_what_is_finished_and_says_so(tmp_path: Path) -> None:
    for arm in ARMS[:3]:
        (tmp_path / "seed0" / arm.name).mkdir(parents=True)
        write_scored(scores(0), tmp_path / "seed0" / arm.name / "scores.csv")
    text = table(tmp_path)
    assert text.startswith(f"seed0, 3 of {len(ARMS)} arms\n")
    assert "| fedavg | 0.938 (" in text  # 15 of 16 pairs
    assert "| +0.000 (+0.000, +0.000) |" in text


def test_the_goal_is_judged_once_all_arms_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arm in ARMS:
        (tmp_path / "seed0" / arm.name).mkdir(parents=True)
        rows = scores(0)
        if arm.name.startswith("local_"):
            rows = [replace(row, margin=-row.margin) if row.margin in (1.0, -1.0) else row for row in rows]
        write_scored(rows, tmp_path / "seed0" / arm.name / "scores.csv")
    text = table(tmp_path)
    assert "* fedavg less local_ge: +0.188 (" in text  # of 16 pairs at a hospital 12 are won, where fedavg wins 15
    assert "The goal: FedAvg within 0.01 of pooled: met; above every hospital alone: met (3 of 3)." in text
    page = tmp_path / "page.md"
    page.write_text(f"# Head\n\n{START}\n{END}\n")
    monkeypatch.setattr("benchmarks.federated.page.PAGE", page)
    write_page(text, 7, "layer3", BUNDLE)
    assert "3.2 of 6.0 million weights train, 7 rounds of one epoch. seed0, 9 of 9 arms" in page.read_text()


def test_no_patient_is_in_two_hospitals_or_two_parts(data_dir: Path, tmp_path: Path) -> None:
    tested: list[str] = []
    for fold in range(3):
        lists = hospitals(data_dir / "lidc_nodules", tmp_path, fold)
        everything = pooled(list(lists.values()))
        parts = [{item.patient_id for item in split} for split in
                 (everything.training, everything.validation, everything.test)]  # fmt: skip
        assert sum(map(len, parts)) == len(set().union(*parts))
        tested += [item.nodule_id for item in everything.test]
    assert len(tested) == len(set(tested)) == 818  # all but TOSHIBA's eight
