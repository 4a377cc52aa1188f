"""The AUC against scikit-learn, and its interval against what a bootstrap must do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from nodulus.pipeline.statistics.metrics import compare_scores, roc_auc


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=40))
def test_auc_equals_that_of_scikit_learn_ties_included(pairs: list[tuple[int, int]]) -> None:
    labels, scores = zip(*[*pairs, (0, 3), (1, 3)], strict=True)
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], [0, 1, 2]])
def test_auc_refuses_labels_of_one_class_or_unknown_ones(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="Expected labels 0 and 1, both present"):
        roc_auc(labels, [0.0] * len(labels))


def scored_nodules() -> tuple[list[int], list[float], list[str]]:
    """Return labels, scores and patients of 120 nodules in 40 patients."""
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 120)
    scores = labels + random.normal(0, 1, 120)
    return labels.tolist(), scores.tolist(), [f"patient {index % 40}" for index in range(120)]


def test_interval_holds_the_value_and_repeats_with_the_seed() -> None:
    labels, scores, patients = scored_nodules()
    first = compare_scores(labels, {"a": scores, "b": labels}, patients, "b")
    assert first.auc["a"].low < first.auc["a"].value < first.auc["a"].high
    assert first == compare_scores(labels, {"a": scores, "b": labels}, patients, "b")
    assert first.auc["b"].low == first.auc["b"].high == 1.0
    assert first.counts == {"nodules": 120, "patients": 40, "malignant": sum(labels), "benign": 120 - sum(labels)}


def test_interval_covers_what_a_plain_bootstrap_of_patients_gives() -> None:
    labels, scores, patients = scored_nodules()
    of_patient = {name: [i for i, p in enumerate(patients) if p == name] for name in set(patients)}
    random, areas = np.random.default_rng(0), []
    for _ in range(400):
        chosen = [i for name in random.choice(sorted(of_patient), len(of_patient)) for i in of_patient[name]]
        areas.append(roc_auc_score(np.take(labels, chosen), np.take(scores, chosen)))
    estimate = compare_scores(labels, {"a": scores}, patients, "a").auc["a"]
    assert (estimate.low, estimate.high) == pytest.approx(np.percentile(areas, (2.5, 97.5)), abs=0.02)


def test_a_score_does_not_differ_from_itself() -> None:
    labels, scores, patients = scored_nodules()
    difference = compare_scores(labels, {"a": scores, "b": scores}, patients, "b").difference["a"]
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


def test_more_nodules_of_the_same_patients_do_not_narrow_the_interval() -> None:
    labels, scores, patients = scored_nodules()
    once = compare_scores(labels, {"a": scores}, patients, "a").auc["a"]
    thrice = compare_scores(labels * 3, {"a": scores * 3}, patients * 3, "a").auc["a"]
    assert thrice.low == pytest.approx(once.low)
    assert thrice.high == pytest.approx(once.high)


def test_comparison_is_plain_json() -> None:
    labels, scores, patients = scored_nodules()
    comparison = compare_scores(labels, {"a": scores, "b": scores}, patients, "b")
    assert json.loads(json.dumps(comparison.as_dict()))["auc"]["a"]["value"] == comparison.auc["a"].value
