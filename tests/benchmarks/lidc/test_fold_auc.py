"""Tests of AUCs within folds and over them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.lidc.fold_auc import PatientBootstrap, auc_of_fold, fold_mean_auc, pooled_auc
from benchmarks.lidc.folds import FoldKey
from benchmarks.lidc.scores import FoldScores
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.statistics.metrics import compare_scores, roc_auc

N_RESAMPLES = 200


def fold_of(
    key: FoldKey, n_nodules: int, seed: int, labels: NDArray[np.int_] | None = None, **offsets: float
) -> FoldScores:
    """Return nodules of two a patient, with a good and a bad score, moved by the offsets."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_nodules) % 2) if labels is None else labels
    nodules = tuple(
        DataListItem(
            image="-",
            nodule_id=f"{key}_{index}",
            patient_id=f"{key.fold}_{index // 2}",
            center_lps_mm=(0, 0, 0),
            diameter_mm=8,
            label=int(label),  # type: ignore[arg-type]
        )
        for index, label in enumerate(labels)
    )
    scores = {
        name: (labels * gap + rng.normal(0, 1, n_nodules) + offsets.get(name, 0.0))[None]
        for name, gap in (("good", 2.0), ("bad", 0.5))
    }
    return FoldScores(key, nodules, scores)


def bootstrap_of(*folds: FoldScores) -> PatientBootstrap:
    return PatientBootstrap([patient for fold in folds for patient in fold.patients], N_RESAMPLES, seed=3)


def test_one_fold_agrees_with_the_comparison_of_any_scores() -> None:
    fold = fold_of(FoldKey(0, 0), 60, seed=1)
    scores = {name: rows[0].tolist() for name, rows in fold.scores.items()}
    expected = compare_scores(fold.labels.tolist(), scores, fold.patients, "bad", N_RESAMPLES, seed=3)
    for measure in (fold_mean_auc, pooled_auc):
        found = measure([fold], bootstrap_of(fold))
        assert found["good"].estimate() == expected.auc["good"]
        assert (found["good"] - found["bad"]).estimate() == expected.difference["good"]


def test_fold_mean_is_the_mean_over_folds() -> None:
    folds = [fold_of(FoldKey(0, k), 20 + 10 * k, seed=k) for k in range(3)]
    expected = np.mean([roc_auc(fold.labels, fold.scores["good"][0]) for fold in folds])
    assert fold_mean_auc(folds, bootstrap_of(*folds))["good"].value == pytest.approx(expected)


def test_fold_mean_does_not_see_the_scale_of_a_fold_and_the_pooled_auc_does() -> None:
    folds = [fold_of(FoldKey(0, 0), 40, seed=1), fold_of(FoldKey(0, 1), 40, seed=2)]
    moved = [folds[0], fold_of(FoldKey(0, 1), 40, seed=2, good=5.0)]
    bootstrap = bootstrap_of(*folds)
    assert fold_mean_auc(moved, bootstrap)["good"].value == fold_mean_auc(folds, bootstrap)["good"].value
    assert pooled_auc(moved, bootstrap)["good"].value < pooled_auc(folds, bootstrap)["good"].value - 0.05


def test_several_networks_count_by_the_mean_of_their_aucs() -> None:
    fold = fold_of(FoldKey(0, 0), 40, seed=1)
    both = np.concatenate([fold.scores["good"], fold.scores["bad"]])
    several = FoldScores(fold.key, fold.nodules, {"network": both})
    single = auc_of_fold(fold)
    expected = (single["good"] + single["bad"]) / 2
    assert auc_of_fold(several)["network"] == pytest.approx(expected)
    assert pooled_auc([several], bootstrap_of(fold))["network"].value == pytest.approx(expected)


def test_fold_without_both_classes_is_left_out_of_the_mean() -> None:
    whole = fold_of(FoldKey(0, 0), 40, seed=1)
    benign = fold_of(FoldKey(0, 1), 10, seed=2, labels=np.zeros(10, dtype=int))
    bootstrap = bootstrap_of(whole, benign)
    assert fold_mean_auc([whole, benign], bootstrap)["good"].value == auc_of_fold(whole)["good"]
    assert np.isnan(auc_of_fold(benign)["good"])


def test_repeats_of_the_same_nodules_do_not_narrow_the_interval() -> None:
    fold = fold_of(FoldKey(0, 0), 60, seed=1)
    again = FoldScores(FoldKey(1, 0), fold.nodules, fold.scores)
    bootstrap = bootstrap_of(fold)
    once = fold_mean_auc([fold], bootstrap)["good"].estimate()
    twice = fold_mean_auc([fold, again], bootstrap)["good"].estimate()
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))


def test_some_of_the_nodules_keep_their_scores() -> None:
    fold = fold_of(FoldKey(0, 0), 12, seed=1)
    first = fold.only(lambda item: item.patient_id == "0_2")
    assert [item.nodule_id for item in first.nodules] == ["rep0_fold0_4", "rep0_fold0_5"]
    np.testing.assert_array_equal(first.scores["good"], fold.scores["good"][:, 4:6])
