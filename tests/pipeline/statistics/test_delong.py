"""DeLong's test against its definition over all pairs of nodules."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from nodulus.pipeline.statistics.delong import delong_test
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import compare_scores

Nodules = list[tuple[int, int, int]]
# Two of each class always; whole scores from a short range, so that ties are common.
SCORED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 6)), max_size=30).map(
    lambda drawn: [*drawn, (0, 1, 2), (0, 3, 1), (1, 2, 2), (1, 5, 4)]
)


def by_pairs(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Return the structural components of the AUC: what each malignant, then each benign nodule wins, pair by pair."""

    def won(malignant: float, benign: float) -> float:
        return 1.0 if malignant > benign else 0.5 if malignant == benign else 0.0

    malignant, benign = scores[labels == 1], scores[labels == 0]
    of_malignant = [float(np.mean([won(one, other) for other in benign])) for one in malignant]
    of_benign = [float(np.mean([won(other, one) for other in malignant])) for one in benign]
    return of_malignant, of_benign


def standard_error(estimate: Estimate) -> float:
    """Return what an interval that meets no bound was made from."""
    return (estimate.high - estimate.low) / (2 * float(norm.ppf(0.975)))


@settings(max_examples=40, deadline=None)
@given(SCORED)
def test_areas_and_p_value_are_those_of_the_covariance_over_all_pairs(nodules: Nodules) -> None:
    labels, first, second = (np.asarray(column) for column in zip(*nodules, strict=True))
    components = [by_pairs(labels, scores) for scores in (first, second)]
    covariance = np.cov([one[0] for one in components]) / (labels == 1).sum()
    covariance = covariance + np.cov([one[1] for one in components]) / (labels == 0).sum()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    result = delong_test(labels, first, second)
    assert result.auc_first.value == pytest.approx(roc_auc_score(labels, first))
    assert result.auc_second.value == pytest.approx(roc_auc_score(labels, second))
    assert result.difference.value == pytest.approx(result.auc_first.value - result.auc_second.value, abs=1e-12)
    if variance > 1e-12:
        z = result.difference.value / math.sqrt(variance)
        assert result.p_value == pytest.approx(2 * norm.sf(abs(z)), abs=1e-9)


def test_standard_error_is_near_that_of_two_equal_normal_classes() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1], 4000)
    result = delong_test(labels, random.normal(labels, 1), random.normal(labels, 1))
    # Hanley & McNeil 1982 from the two probabilities of the binormal model, d' = 1, found by integration.
    grid = np.linspace(-9, 9, 20001)
    density = norm.pdf(grid) * (grid[1] - grid[0])
    area = float(norm.cdf(1 / math.sqrt(2)))
    both = float((norm.cdf(grid + 1) ** 2 * density).sum())
    expected = math.sqrt((area * (1 - area) + 2 * 3999 * (both - area**2)) / 4000**2)
    assert standard_error(result.auc_first) == pytest.approx(expected, rel=0.03)


@settings(max_examples=40, deadline=None)
@given(SCORED)
def test_swapping_the_scores_turns_the_sign_and_keeps_the_p_value(nodules: Nodules) -> None:
    labels, first, second = zip(*nodules, strict=True)
    there, back = delong_test(labels, first, second), delong_test(labels, second, first)
    assert back.p_value == pytest.approx(there.p_value)
    assert back.difference.value == pytest.approx(-there.difference.value)
    assert back.difference.low == pytest.approx(-there.difference.high)
    assert back.auc_first == there.auc_second


@settings(max_examples=40, deadline=None)
@given(SCORED)
def test_only_the_order_of_the_scores_counts(nodules: Nodules) -> None:
    labels, first, second = (np.asarray(column) for column in zip(*nodules, strict=True))
    assert delong_test(labels, np.exp(first), 3.0 * second - 7) == delong_test(labels, first, second)


@settings(max_examples=40, deadline=None)
@given(SCORED)
def test_scores_of_one_order_do_not_differ(nodules: Nodules) -> None:
    labels, first, _ = (np.asarray(column) for column in zip(*nodules, strict=True))
    result = delong_test(labels, first, first**3)
    assert result.p_value == 1.0
    assert result.difference == Estimate(0.0, 0.0, 0.0)


def test_a_perfect_score_differs_from_its_reverse_beyond_doubt() -> None:
    result = delong_test([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert (result.difference.value, result.p_value) == (1.0, 0.0)
    assert result.auc_first == Estimate(1.0, 1.0, 1.0)


def test_p_values_of_equal_scores_are_uniform() -> None:
    random = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    p_values = []
    for _ in range(400):
        shared = labels + random.normal(size=120)
        p_values.append(delong_test(labels, shared + random.normal(size=120), shared + random.normal(size=120)).p_value)
    assert np.mean(np.asarray(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_bootstrap_of_single_nodule_patients_agrees() -> None:
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], 100)
    first, second = labels + random.normal(size=(2, 200))
    result = delong_test(labels, first, second).difference
    scores = {"first": first.tolist(), "second": second.tolist()}
    resampled = compare_scores(labels.tolist(), scores, [str(n) for n in range(200)], "second").difference["first"]
    assert (result.low, result.high) == pytest.approx((resampled.low, resampled.high), abs=0.015)


def test_too_few_nodules_of_a_class_are_refused() -> None:
    with pytest.raises(ValueError, match="Expected two nodules of each class, got 1 malignant and 3 benign"):
        delong_test([0, 0, 0, 1], [1, 2, 3, 4], [1, 2, 3, 4])


def test_result_is_plain_json() -> None:
    result = delong_test([0, 0, 1, 1], [1, 3, 2, 4], [1, 2, 3, 4])
    assert json.loads(json.dumps(result.as_dict()))["difference"]["value"] == result.difference.value
