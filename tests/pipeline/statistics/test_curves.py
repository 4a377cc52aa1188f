"""The curves against scikit-learn, and their bands against a bootstrap one sample at a time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from nodulus.pipeline.statistics.bootstrap import patient_weights
from nodulus.pipeline.statistics.curves import decision_curve, precision_recall_band, roc_curve_band
from tests.pipeline.statistics.labelled_nodules import calibrated_nodules

LABELS, PROBABILITY, PATIENTS = calibrated_nodules(160, 90)
TIED = np.round(PROBABILITY, 1)


@pytest.mark.parametrize("scores", [PROBABILITY, TIED])
def test_roc_curve_is_that_of_scikit_learn(scores: np.ndarray) -> None:
    curve = roc_curve_band(LABELS, scores, PATIENTS, n_resamples=50)
    false_positive_rate, sensitivity, _ = roc_curve(LABELS, scores, drop_intermediate=False)
    assert curve.sensitivity.value == pytest.approx(
        np.interp(curve.false_positive_rate, false_positive_rate, sensitivity)
    )
    assert curve.auc.value == pytest.approx(roc_auc_score(LABELS, scores))
    assert auc(curve.steps_false_positive_rate, curve.steps_sensitivity) == pytest.approx(curve.auc.value)


def test_roc_band_is_that_of_scikit_learn_sample_by_sample() -> None:
    curve = roc_curve_band(LABELS, TIED, PATIENTS, n_resamples=60, seed=3)
    sampled = []
    for weights in patient_weights(PATIENTS, 60, 3):
        false_positive_rate, sensitivity, _ = roc_curve(LABELS, TIED, sample_weight=weights, drop_intermediate=False)
        sampled.append(np.interp(curve.false_positive_rate, false_positive_rate, sensitivity))
    low, high = np.percentile(sampled, (2.5, 97.5), axis=0)
    assert curve.sensitivity.low == pytest.approx(low, abs=1e-9)
    assert curve.sensitivity.high == pytest.approx(high, abs=1e-9)


def test_perfect_score_has_a_curve_without_a_band() -> None:
    curve = roc_curve_band([0, 0, 1, 1], [1, 2, 3, 4], list("abcd"), n_resamples=50)
    assert set(curve.sensitivity.value) == set(curve.sensitivity.low) == set(curve.sensitivity.high) == {1.0}


@pytest.mark.parametrize("scores", [PROBABILITY, TIED])
def test_precision_is_that_of_scikit_learn_at_the_highest_threshold_that_reaches_the_recall(scores: np.ndarray) -> None:
    curve = precision_recall_band(LABELS, scores, PATIENTS, n_resamples=50)
    precision, recall, _ = precision_recall_curve(LABELS, scores)
    expected = [precision[np.flatnonzero(recall >= wanted)[-1]] for wanted in curve.recall]
    assert curve.precision.value == pytest.approx(expected)
    assert curve.average_precision.value == pytest.approx(average_precision_score(LABELS, scores))
    assert curve.precision.value[-1] >= curve.prevalence == LABELS.mean()


def test_interval_of_average_precision_is_that_of_scikit_learn_sample_by_sample() -> None:
    found = precision_recall_band(LABELS, TIED, PATIENTS, n_resamples=60, seed=3).average_precision
    sampled = [
        average_precision_score(LABELS, TIED, sample_weight=weights) for weights in patient_weights(PATIENTS, 60, 3)
    ]
    assert (found.low, found.high) == pytest.approx(np.percentile(sampled, (2.5, 97.5)))


def test_net_benefit_is_true_less_weighed_false_positives() -> None:
    labels, probability = [0, 0, 0, 1, 1], [0.1, 0.3, 0.6, 0.4, 0.9]
    curve = decision_curve(labels, {"score": probability}, list("abcde"), [0.0, 0.25, 0.5], n_resamples=50)
    assert curve.net_benefit["score"].value == pytest.approx([2 / 5, 2 / 5 - 2 / 5 / 3, 1 / 5 - 1 / 5])
    assert curve.treat_all.value == pytest.approx([2 / 5, 2 / 5 - 3 / 5 / 3, 2 / 5 - 3 / 5])
    assert curve.treat_none == (0.0, 0.0, 0.0)


def test_perfect_probabilities_gain_the_prevalence_at_every_threshold() -> None:
    curve = decision_curve(LABELS, {"truth": LABELS}, PATIENTS, n_resamples=50)
    assert curve.net_benefit["truth"].value == pytest.approx([LABELS.mean()] * 99)


def test_right_probabilities_are_never_worse_than_acting_on_all_or_none() -> None:
    labels, probability, patients = calibrated_nodules(20000, 20000)
    curve = decision_curve(labels, {"right": probability}, patients, n_resamples=2)
    gain = np.asarray(curve.net_benefit["right"].value)
    # At high thresholds a false positive costs up to 99 true ones, so chance weighs most there.
    assert (gain[:90] >= np.maximum(curve.treat_all.value, 0)[:90] - 0.002).all()


def test_bands_hold_their_curves() -> None:
    curve = decision_curve(LABELS, {"a": PROBABILITY, "b": TIED}, PATIENTS, n_resamples=300)
    bands = [*curve.net_benefit.values(), curve.treat_all, roc_curve_band(LABELS, PROBABILITY, PATIENTS).sensitivity]
    for band in bands:
        assert (np.asarray(band.low) <= band.value).all()
        assert (np.asarray(band.high) >= band.value).all()


@pytest.mark.parametrize("threshold", [-0.1, 1.0])
def test_threshold_that_is_no_threshold_probability_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="Expected thresholds from 0 to below 1"):
        decision_curve(LABELS, {"a": PROBABILITY}, PATIENTS, [threshold])


def test_curve_of_what_is_no_probability_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Expected diameter between 0 and 1, got 3 to 12"):
        decision_curve([0, 1], {"diameter": [3, 12]}, ["a", "b"])


def test_few_patients_leave_samples_of_one_class_out() -> None:
    curve = roc_curve_band([0, 1], [0.2, 0.8], ["a", "b"], n_resamples=50)
    assert curve.auc.low == 1.0
    assert np.isfinite(precision_recall_band([0, 1], [0.2, 0.8], ["a", "b"], n_resamples=50).precision.low).all()


def test_curves_are_plain_json() -> None:
    for curve in (
        roc_curve_band(LABELS, PROBABILITY, PATIENTS, n_resamples=20),
        precision_recall_band(LABELS, PROBABILITY, PATIENTS, n_resamples=20),
        decision_curve(LABELS, {"a": PROBABILITY}, PATIENTS, n_resamples=20),
    ):
        assert json.loads(json.dumps(curve.as_dict(), allow_nan=False))


def test_net_benefit_at_another_prevalence_is_that_of_nodules_drawn_so() -> None:
    asked, grid = 0.1, [0.05, 0.2, 0.5]
    found = decision_curve(LABELS, {"a": PROBABILITY}, PATIENTS, grid, n_resamples=30, prevalence=asked)
    malignant, benign = PROBABILITY[LABELS == 1], PROBABILITY[LABELS == 0]
    for index, threshold in enumerate(grid):
        odds = threshold / (1 - threshold)
        called = asked * (malignant >= threshold).mean() - (1 - asked) * (benign >= threshold).mean() * odds
        assert found.net_benefit["a"].value[index] == pytest.approx(called)
        assert found.treat_all.value[index] == pytest.approx(asked - (1 - asked) * odds)


def test_the_prevalence_of_the_nodules_changes_nothing() -> None:
    plain = decision_curve(LABELS, {"a": PROBABILITY}, PATIENTS, n_resamples=30)
    same = decision_curve(LABELS, {"a": PROBABILITY}, PATIENTS, n_resamples=30, prevalence=float(LABELS.mean()))
    assert same.net_benefit["a"].value == pytest.approx(plain.net_benefit["a"].value)
