"""Strata are compared each on its own nodules, and left out with a reason where there are too few."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nodulus.pipeline.statistics.metrics import compare_scores
from nodulus.pipeline.statistics.strata import (
    AGE_STRATA,
    SIZE_STRATA,
    THICKNESS_STRATA,
    age_stratum,
    by_stratum,
    size_stratum,
    thickness_stratum,
)
from tests.pipeline.statistics.labelled_nodules import calibrated_nodules

LABELS, PROBABILITY, PATIENTS = calibrated_nodules(200, 120)
SCORES = {"network": PROBABILITY.tolist(), "diameter": np.random.default_rng(1).uniform(4, 20, 200).tolist()}


def test_each_stratum_is_compared_as_if_it_stood_alone() -> None:
    stratum_of = ["thick" if index % 3 else "thin" for index in range(200)]
    results = by_stratum(LABELS.tolist(), SCORES, PATIENTS, stratum_of, "diameter", n_resamples=100)
    assert list(results) == ["thick", "thin"]
    for name, result in results.items():
        inside = [index for index in range(200) if stratum_of[index] == name]
        scores = {score: np.take(values, inside).tolist() for score, values in SCORES.items()}
        labels, patients = LABELS[inside].tolist(), [PATIENTS[index] for index in inside]
        assert result.why_not is None
        assert result.comparison == compare_scores(labels, scores, patients, "diameter", n_resamples=100)
        assert result.comparison.auc["network"].value == pytest.approx(roc_auc_score(labels, scores["network"]))
        assert result.counts == result.comparison.counts


def test_one_stratum_of_all_is_the_whole() -> None:
    (result,) = by_stratum(LABELS.tolist(), SCORES, PATIENTS, ["all"] * 200, "diameter", n_resamples=100).values()
    assert result.comparison == compare_scores(LABELS.tolist(), SCORES, PATIENTS, "diameter", n_resamples=100)


@pytest.mark.parametrize(
    ("n_malignant", "n_benign", "why_not"),
    [
        (4, 9, "too few malignant nodules: 4, at least 5 are compared"),
        (9, 0, "too few benign nodules: 0, at least 5 are compared"),
        (5, 5, None),
    ],
)
def test_stratum_with_few_nodules_of_a_class_says_so(n_malignant: int, n_benign: int, why_not: str | None) -> None:
    labels = [1] * n_malignant + [0] * n_benign
    patients, scores = [str(n) for n in range(len(labels))], {"diameter": list(range(len(labels)))}
    result = by_stratum(labels, scores, patients, ["a"] * len(labels), "diameter", n_resamples=50)["a"]
    assert result.why_not == why_not
    assert (result.comparison is None) == (why_not is not None)
    assert (result.counts["malignant"], result.counts["benign"]) == (n_malignant, n_benign)


def test_stratum_of_few_patients_says_so() -> None:
    result = by_stratum([0, 1] * 10, {"a": list(range(20))}, ["p", "q"] * 10, ["x"] * 20, "a")["x"]
    assert result.why_not == "too few patients: 2, at least 5 are compared"


def test_strata_come_in_the_order_asked_for_and_empty_ones_too() -> None:
    results = by_stratum([0, 1], {"a": [1, 2]}, ["p", "q"], [">15", "odd"], "a", order=SIZE_STRATA)
    assert list(results) == [*SIZE_STRATA, "odd"]
    assert results["<6"].counts["nodules"] == 0


def test_size_strata_follow_the_cuts() -> None:
    diameters = (3, 5.99, 6, 7.99, 8, 15, 15.01, 40)
    assert [size_stratum(diameter) for diameter in diameters] == [name for name in SIZE_STRATA for _ in range(2)]


def test_thickness_strata_follow_the_cuts_but_for_rounding() -> None:
    thicknesses = (0.6, 1.2500001, 1.5, 2.5, 3, 5)
    assert [thickness_stratum(one) for one in thicknesses] == [name for name in THICKNESS_STRATA for _ in range(2)]


def test_age_strata_follow_the_cuts() -> None:
    assert [age_stratum(age) for age in (14, 49, 50, 59, 60, 69, 70, 88)] == [
        name for name in AGE_STRATA for _ in range(2)
    ]


@pytest.mark.parametrize("stratum", [thickness_stratum, age_stratum])
def test_what_is_not_known_is_a_stratum_of_its_own(stratum: Callable[[float | None], str]) -> None:
    assert stratum(None) == stratum(float("nan")) == "unknown"


def test_results_are_plain_json() -> None:
    stratum_of = [size_stratum(diameter) for diameter in SCORES["diameter"]]
    results = by_stratum(LABELS.tolist(), SCORES, PATIENTS, stratum_of, "diameter", SIZE_STRATA, n_resamples=20)
    text = json.dumps({name: result.as_dict() for name, result in results.items()}, allow_nan=False)
    assert json.loads(text)["8-15"]["comparison"]["baseline"] == "diameter"
