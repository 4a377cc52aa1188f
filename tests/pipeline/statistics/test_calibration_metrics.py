"""Calibration of probabilities that are right, or wrong in a known way."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from nodulus.pipeline.statistics.calibration_metrics import calibration_report
from tests.pipeline.statistics.labelled_nodules import calibrated_nodules


def test_right_probabilities_are_found_right() -> None:
    labels, probability, patients = calibrated_nodules(700, 400)
    report = calibration_report(labels, probability, patients, n_resamples=500)
    assert report.slope is not None
    assert report.slope.low < 1 < report.slope.high
    assert report.intercept.low < 0 < report.intercept.high
    assert report.ece.value < 2 * report.expected_ece
    assert report.brier.value == pytest.approx(brier_score_loss(labels, probability))


def test_intervals_of_slope_and_intercept_hold_the_truth_as_often_as_they_say() -> None:
    held = np.zeros(2)
    for seed in range(60):
        report = calibration_report(*calibrated_nodules(300, 300, seed), n_resamples=200)
        assert report.slope is not None
        held += report.slope.low < 1 < report.slope.high, report.intercept.low < 0 < report.intercept.high
    assert (held / 60 > 0.85).all()


@pytest.mark.parametrize("stretch", [0.5, 2.0])
def test_slope_undoes_the_stretch_of_the_logit(stretch: float) -> None:
    labels, probability, patients = calibrated_nodules(4000, 4000)
    right = calibration_report(labels, probability, patients, n_resamples=20)
    stretched = calibration_report(labels, expit(stretch * logit(probability)), patients, n_resamples=20)
    assert right.slope is not None
    assert stretched.slope is not None
    assert stretched.slope.value == pytest.approx(right.slope.value / stretch, rel=1e-3)
    assert stretched.ece.value > right.ece.value
    assert stretched.ece.value > 2 * stretched.expected_ece


def test_intercept_is_the_shift_of_the_logit() -> None:
    labels, probability, patients = calibrated_nodules(4000, 4000)
    right = calibration_report(labels, probability, patients, n_resamples=20).intercept.value
    shifted = calibration_report(labels, expit(logit(probability) - 0.7), patients, n_resamples=20).intercept.value
    assert shifted == pytest.approx(right + 0.7, abs=1e-3)


def test_ece_is_the_mean_gap_of_bins_of_equal_mass() -> None:
    probability = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
    report = calibration_report([0, 0, 1, 0, 1, 1], probability, list("abcdef"), n_bins=3, n_resamples=20)
    assert [one.n for one in report.bins] == [2, 2, 2]
    assert [one.mean_probability for one in report.bins] == pytest.approx([0.15, 0.35, 0.7])
    assert [one.fraction_malignant for one in report.bins] == [0.0, 0.5, 1.0]
    assert report.ece.value == pytest.approx((0.15 + 0.15 + 0.3) / 3)
    assert all(one.low <= one.fraction_malignant <= one.high for one in report.bins)


def test_wilson_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I: 15 of 148 by the score method without continuity.
    labels = [1] * 15 + [0] * 133
    report = calibration_report(labels, [0.1] * 148, [str(n) for n in range(148)], n_resamples=20)
    (only,) = report.bins
    assert (only.low, only.high) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_equal_probabilities_share_a_bin_whatever_the_order_of_the_nodules() -> None:
    probability = np.repeat([0.2, 0.7], [37, 23])
    labels = np.random.default_rng(0).integers(0, 2, 60)
    patients = [str(n) for n in range(60)]
    report = calibration_report(labels, probability, patients, n_resamples=20)
    turned = calibration_report(labels[::-1], probability[::-1], patients[::-1], n_resamples=20)
    assert [one.n for one in report.bins] == [37, 23]
    assert report.ece.value == pytest.approx(turned.ece.value)


def test_expected_ece_of_right_probabilities_is_above_zero_and_falls_with_nodules() -> None:
    few, many = (
        calibration_report(*calibrated_nodules(n_nodules, n_nodules), n_resamples=200).expected_ece
        for n_nodules in (150, 6000)
    )
    assert 0.05 < few < 0.12
    assert many < 0.02


def test_expected_ece_is_the_mean_over_data_drawn_from_the_probabilities() -> None:
    _, probability, patients = calibrated_nodules(200, 200)
    random, drawn = np.random.default_rng(8), []
    for _ in range(60):
        labels = (random.random(200) < probability).astype(int)
        drawn.append(calibration_report(labels, probability, patients, n_resamples=3).ece.value)
    expected = calibration_report(labels, probability, patients, n_resamples=2000).expected_ece
    assert expected == pytest.approx(np.mean(drawn), abs=0.008)


@pytest.mark.parametrize("probability", [[0.1, 0.2, 0.8, 0.9], [0.1, 0.5, 0.5, 0.9], [0.9, 0.8, 0.2, 0.1]])
def test_probabilities_that_part_the_classes_have_no_slope(probability: list[float]) -> None:
    report = calibration_report([0, 0, 1, 1], probability, list("abcd"), n_resamples=50)
    assert report.slope is None
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False))["slope"] is None


def test_equal_probabilities_have_no_slope_but_an_intercept() -> None:
    report = calibration_report([0, 0, 0, 1], [0.5] * 4, list("abcd"), n_resamples=50)
    assert report.slope is None
    assert report.intercept.value == pytest.approx(np.log(1 / 3))


def test_probabilities_of_zero_and_one_have_a_slope() -> None:
    labels, probability, patients = calibrated_nodules(200, 200)
    report = calibration_report([0, 1, *labels], [0.0, 1.0, *probability], ["a", "b", *patients], n_resamples=50)
    assert report.slope is not None
    assert np.isfinite(report.slope.low)


def test_more_nodules_of_the_same_patients_do_not_narrow_the_intervals() -> None:
    labels, probability, patients = calibrated_nodules(200, 200)
    once = calibration_report(labels, probability, patients, n_resamples=100)
    thrice = calibration_report(np.tile(labels, 3), np.tile(probability, 3), patients * 3, n_resamples=100)
    assert once.slope is not None
    assert thrice.slope is not None
    assert (thrice.slope.low, thrice.slope.high) == pytest.approx((once.slope.low, once.slope.high))
    assert (thrice.brier.low, thrice.brier.high) == pytest.approx((once.brier.low, once.brier.high))


def test_report_repeats_with_the_seed_and_is_plain_json() -> None:
    nodules = calibrated_nodules(100, 60)
    first = calibration_report(*nodules, n_resamples=50, seed=1)
    assert first == calibration_report(*nodules, n_resamples=50, seed=1)
    assert first.brier != calibration_report(*nodules, n_resamples=50, seed=2).brier
    assert json.loads(json.dumps(first.as_dict(), allow_nan=False))["bins"][0]["n"] == first.bins[0].n


def test_a_slope_that_many_resamples_lack_is_not_told() -> None:
    # One benign nodule alone lies among the malignant: a third of the resamples are without it, and have no slope.
    labels = [0] * 10 + [1] * 10
    probability = [*np.linspace(0.01, 0.3, 9), 0.9, *np.linspace(0.7, 0.99, 10)]
    patients = [f"patient {index}" for index in range(20)]
    assert calibration_report(labels, probability, patients, n_resamples=200).slope is None
