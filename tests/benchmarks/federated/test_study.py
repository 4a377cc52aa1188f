"""The study's arithmetic, on scores whose answer is known."""

from __future__ import annotations

from pathlib import Path

from benchmarks.federated.arms import ARMS
from benchmarks.federated.makers import MAKERS, hospitals, pooled
from benchmarks.federated.scores import Scored, read_scored, write_scored
from benchmarks.federated.table import judge, table


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
