"""Readers against each other, on generated ratings whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ceiling.nodules import Scored, read_scored
from benchmarks.ceiling.pairs import auc, auc_gain, count_pairs
from benchmarks.ceiling.panels import Divides, divide, everyone, one_and_the_others, the_same_two, two_and_two
from benchmarks.ceiling.readers import measure_readers
from benchmarks.lidc.folds import FoldKey
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.statistics.metrics import compare_scores
from nodulus.transforms.problems import UsageError

AGREEING = [(1, 1, 1, 1), (2, 2, 2), (4, 4, 4, 4, 4), (5, 5, 5, 5), (3, 3, 3)]


def named(ratings: Sequence[Sequence[int]]) -> list[str]:
    return [f"p{k}" for k in range(len(ratings))]


def item(k: int, ratings: Sequence[int], characteristics: Sequence[int]) -> DataListItem:
    rated = {name: tuple(min(scale.high, each) for each in characteristics) for name, scale in CHARACTERISTICS.items()}
    return DataListItem(
        image=f"n{k}.nii.gz",
        nodule_id=f"n{k}",
        patient_id=f"p{k}",
        center_lps_mm=(0.0, 0.0, 0.0),
        diameter_mm=5.0,
        ratings=tuple(ratings),
        characteristics=rated,
    )


@pytest.mark.parametrize("divides", [one_and_the_others, two_and_two])
def test_readers_who_agree_tell_each_others_label_without_a_fault(divides: Divides) -> None:
    readings = divide(AGREEING, divides)
    assert auc(count_pairs(readings, readings.judged(AGREEING)), named(AGREEING)).value == 1.0


@pytest.mark.parametrize("divides", [one_and_the_others, two_and_two])
def test_readers_who_throw_coins_tell_nothing_and_agree_with_themselves(divides: Divides) -> None:
    found = []
    for seed in range(3):
        ratings = np.random.default_rng(seed).integers(1, 6, (400, 4)).tolist()
        readings, themselves = divide(ratings, divides), divide(ratings, the_same_two)
        found.append(auc(count_pairs(readings, readings.judged(ratings)), named(ratings)).value)
        assert auc(count_pairs(themselves, themselves.judged(ratings)), named(ratings)).value == 1.0
    assert np.mean(found) == pytest.approx(0.5, abs=0.04)


def test_a_nodule_counts_as_often_as_its_labellers_are_decided() -> None:
    readings = divide([(5, 5, 1, 3)], one_and_the_others)
    assert [(way.judges, label) for way, label in zip(readings.ways, readings.labels, strict=True)] == [
        ((2,), 1),
        ((3,), 1),
    ]
    assert readings.weights.tolist() == [0.25, 0.25]


def test_with_one_label_a_nodule_pairs_are_those_of_the_usual_auc_and_its_bootstrap() -> None:
    generator = np.random.default_rng(1)
    ratings = generator.choice([1, 2, 4, 5], (80, 3)).tolist()  # three of them are always decided
    readings = divide(ratings, everyone)
    patients = [f"p{k // 2}" for k in range(80)]
    first, second = generator.normal(size=(2, 80))
    first += np.mean(ratings, axis=1)
    ours, theirs = count_pairs(readings, first), count_pairs(readings, second)
    scores = {"first": first.tolist(), "second": second.tolist()}
    usual = compare_scores(readings.labels.tolist(), scores, patients, "second")
    for found, expected in (
        (auc(ours, patients), usual.auc["first"]),
        (auc_gain(ours, theirs, patients), usual.difference["first"]),
    ):
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_several_repeats_count_by_their_mean() -> None:
    ratings = [(1, 1, 1), (5, 5, 5)]
    readings = divide(ratings, everyone)
    assert auc(count_pairs(readings, np.asarray([[0.0, 1.0], [1.0, 0.0]])), ["a", "a"]).value == 0.5


def test_characteristics_of_two_who_gave_no_label_tell_less_than_those_of_the_two_who_did() -> None:
    generator = np.random.default_rng(2)
    # Each reader's characteristics are that reader's own rating: a copy of it, and no news of the others'.
    ratings = generator.integers(1, 6, (120, 4)).tolist()
    items = tuple(item(k, panel, panel) for k, panel in enumerate(ratings))
    scores = np.full((1, 120), np.nan)
    tested = np.asarray([k for k, panel in enumerate(ratings) if np.median(panel) != 3])
    scores[0, tested] = [float(np.median(ratings[k]) > 3) for k in tested]
    folds = {0: {f"n{k}": FoldKey(0, int(k) % 3) for k in tested}}
    found = measure_readers(Scored(items, tested, scores, folds))
    assert found["same_characteristics"]["at_hand"]["auc"]["value"] > 0.95
    assert found["others_characteristics"]["at_hand"]["auc"]["value"] == pytest.approx(0.5, abs=0.08)
    # The score knows the whole panel's label, which two of its readers mostly share.
    assert found["one_reader"]["score"]["value"] > found["one_reader"]["auc"]["value"]


def test_scores_of_other_labels_or_of_some_repeats_only_are_refused(tmp_path: Path) -> None:
    items = tuple(item(k, panel, panel) for k, panel in enumerate([(1, 1, 1), (5, 5, 5), (3, 3, 3)]))
    table = tmp_path / "scores.csv"
    table.write_text("rep,fold,nodule_id,label,network\n0,1,n0,0,0.2\n0,2,n1,1,0.9\n")
    scored = read_scored(items, table)
    assert scored.tested.tolist() == [0, 1]
    assert scored.labels == [0, 1, None]
    assert scored.folds == {0: {"n0": FoldKey(0, 1), "n1": FoldKey(0, 2)}}
    table.write_text("rep,fold,nodule_id,label,network\n0,1,n0,1,0.2\n")
    with pytest.raises(UsageError, match=r"labels of the crops .* got another n0"):
        read_scored(items, table)
    table.write_text("rep,fold,nodule_id,label,network\n0,1,n0,0,0.2\n1,2,n1,1,0.9\n")
    with pytest.raises(UsageError, match="each nodule in all repeats"):
        read_scored(items, table)
