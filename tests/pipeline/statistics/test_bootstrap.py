"""The patient bootstrap draws patients, with all their nodules, and its intervals pass over what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from nodulus.pipeline.statistics.bootstrap import band, estimate, patient_weights

PATIENTS = ["b", "a", "b", "c", "a", "b"]


def test_nodules_of_one_patient_are_drawn_together() -> None:
    weights = patient_weights(PATIENTS, n_resamples=50)
    for name in "abc":
        of_patient = weights[:, [patient == name for patient in PATIENTS]]
        assert (of_patient == of_patient[:, :1]).all()


def test_each_sample_draws_as_many_patients_as_there_are() -> None:
    weights = patient_weights(PATIENTS, n_resamples=50)
    assert weights.shape == (50, 6)
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_every_patient_stands_once_in_a_sample_on_average() -> None:
    assert patient_weights(PATIENTS, n_resamples=20000).mean(axis=0) == pytest.approx(np.ones(6), abs=0.02)


def test_samples_repeat_with_the_seed_and_change_with_it() -> None:
    assert (patient_weights(PATIENTS, 20, seed=4) == patient_weights(PATIENTS, 20, seed=4)).all()
    assert (patient_weights(PATIENTS, 20, seed=4) != patient_weights(PATIENTS, 20, seed=5)).any()


def test_interval_is_that_of_the_defined_samples() -> None:
    samples = np.linspace(0, 1, 1001)
    found = estimate(0.4, np.append(samples, [np.nan] * 500))
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.025, 0.975))


def test_value_that_no_sample_defines_has_no_interval() -> None:
    with pytest.raises(ValueError, match="Expected a bootstrap sample that defines the value, got none in 3"):
        estimate(0.4, [np.nan] * 3)


def test_band_is_the_interval_of_each_point() -> None:
    samples = np.random.default_rng(0).normal(size=(200, 3))
    found = band([0, 1, 2], samples)
    assert found.value == (0, 1, 2)
    for point in range(3):
        alone = estimate(0, samples[:, point])
        assert (found.low[point], found.high[point]) == (alone.low, alone.high)
