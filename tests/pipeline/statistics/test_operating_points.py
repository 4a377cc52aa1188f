"""Operating points keep what was wanted, at thresholds that do not rest on a last digit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from nodulus.pipeline.statistics.operating_points import OperatingPoint, choose_operating_points, measure_at
from tests.pipeline.statistics.labelled_nodules import calibrated_nodules

Nodules = list[tuple[int, float]]
# Tenths, so that ties are common, and neighbouring numbers, which have no middle between them.
PROBABILITY = st.sampled_from([*np.arange(11) / 10, float(np.nextafter(0.5, 1)), float(np.nextafter(1, 0))])
NODULES = st.lists(st.tuples(st.integers(0, 1), PROBABILITY), max_size=30).map(
    lambda drawn: [*drawn, (0, 0.3), (1, 0.4)]
)


@settings(max_examples=100, deadline=None)
@given(NODULES, st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]))
def test_points_are_the_outermost_thresholds_that_keep_what_was_wanted(nodules: Nodules, wanted: float) -> None:
    labels, probability = (np.asarray(column) for column in zip(*nodules, strict=True))
    patients = [str(n) for n in range(len(labels))]
    sensitive, specific = choose_operating_points(labels, probability, patients, wanted, wanted, n_resamples=40)

    def sensitivity(threshold: float) -> float:
        return float((probability[labels == 1] >= threshold).mean())

    def specificity(threshold: float) -> float:
        return float((probability[labels == 0] < threshold).mean())

    assert sensitive.sensitivity.value == sensitivity(sensitive.threshold) >= wanted
    assert specific.specificity.value == specificity(specific.threshold) >= wanted
    # One nodule further along, it is lost.
    above = probability[probability >= sensitive.threshold]
    assert not len(above) or sensitivity(np.nextafter(above.min(), 2)) < wanted
    below = probability[probability < specific.threshold]
    assert not len(below) or specificity(below.max()) < wanted


def test_threshold_lies_midway_between_neighbours() -> None:
    labels, probability = [0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.5, 0.4, 0.8, 0.9]
    sensitive, specific = choose_operating_points(labels, probability, list("abcdef"), 1.0, 1.0, n_resamples=50)
    assert sensitive.threshold == pytest.approx(0.3)
    assert specific.threshold == pytest.approx(0.65)
    assert (sensitive.specificity.value, specific.sensitivity.value) == pytest.approx((2 / 3, 2 / 3))


def test_nineteen_of_twenty_are_ninety_five_percent() -> None:
    labels, probability = [0] * 20 + [1] * 20, np.linspace(0.01, 0.99, 40)
    sensitive, _ = choose_operating_points(labels, probability, [str(n) for n in range(40)], n_resamples=20)
    assert sensitive.sensitivity.value == 0.95


def test_accuracy_is_that_of_the_confusion_matrix() -> None:
    labels, probability, patients = calibrated_nodules(300, 200)
    accuracy = measure_at(labels, probability, patients, 0.4, n_resamples=200)
    (true_benign, false_malignant), (false_benign, true_malignant) = confusion_matrix(labels, probability >= 0.4)
    assert accuracy.ppv is not None
    assert accuracy.npv is not None
    assert accuracy.sensitivity.value == pytest.approx(true_malignant / (true_malignant + false_benign))
    assert accuracy.specificity.value == pytest.approx(true_benign / (true_benign + false_malignant))
    assert accuracy.ppv.value == pytest.approx(true_malignant / (true_malignant + false_malignant))
    assert accuracy.npv.value == pytest.approx(true_benign / (true_benign + false_benign))
    for estimate in (accuracy.sensitivity, accuracy.specificity, accuracy.ppv, accuracy.npv):
        assert estimate.low < estimate.value < estimate.high


def test_interval_of_single_nodule_patients_is_near_the_binomial_one() -> None:
    labels, probability, patients = calibrated_nodules(2000, 2000)
    sensitivity = measure_at(labels, probability, patients, 0.4).sensitivity
    half = 1.96 * np.sqrt(sensitivity.value * (1 - sensitivity.value) / labels.sum())
    assert (sensitivity.low, sensitivity.high) == pytest.approx(
        (sensitivity.value - half, sensitivity.value + half), abs=0.005
    )


def test_predictive_value_of_a_call_that_is_never_made_is_missing() -> None:
    labels, probability, patients = calibrated_nodules(50, 50)
    nothing_called = measure_at(labels, probability, patients, 1.0, n_resamples=20)
    all_called = measure_at(labels, probability, patients, 0.0, n_resamples=20)
    assert nothing_called.ppv is None
    assert nothing_called.npv is not None
    assert all_called.npv is None
    assert json.loads(json.dumps(all_called.as_dict(), allow_nan=False))["sensitivity"]["value"] == 1.0


def test_operating_point_comes_back_from_json() -> None:
    for point in choose_operating_points(*calibrated_nodules(100, 60), n_resamples=50):
        assert OperatingPoint.model_validate_json(point.model_dump_json()) == point


def test_points_are_named_and_in_order() -> None:
    points = choose_operating_points(*calibrated_nodules(100, 60), wanted_specificity=0.9, n_resamples=50)
    assert [(point.name, point.wanted) for point in points] == [("high_sensitivity", 0.95), ("high_specificity", 0.9)]
