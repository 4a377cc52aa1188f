"""The kernel regression against scikit-learn's ridge, and that a patient's own nodules say nothing of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from benchmarks.frozen.ridge import fit, kernel
from nodulus.pipeline.training.middle import STRENGTHS

RANDOM = np.random.default_rng(5)
N, TRAINING = 30, np.arange(24)
BLOCKS = [RANDOM.normal(size=(N, 2, width)).astype(np.float32) for width in (3, 7)]
PATIENTS = [f"P{k // 2}" for k in TRAINING]


def standardised() -> NDArray[np.float64]:
    rows = []
    for block in BLOCKS:
        known = block[TRAINING].reshape(-1, block.shape[-1])
        rows.append((block.reshape(2 * N, -1) - known.mean(0)) / (known.std(0) + 1e-4) / np.sqrt(block.shape[-1]))
    return np.asarray(np.concatenate(rows, axis=1) / np.sqrt(len(BLOCKS)), dtype=np.float64)


def test_scores_are_those_of_a_ridge_regression_in_which_blocks_weigh_the_same() -> None:
    chances = np.clip(0.5 + 0.2 * BLOCKS[0][TRAINING].mean(axis=(1, 2)), 0, 1)
    found = fit(kernel(BLOCKS, TRAINING), chances, TRAINING, PATIENTS)
    rows = standardised()
    # Standardised over the training rows, so that their mean is nought and no intercept is left to find.
    expected = Ridge(alpha=found.strength).fit(rows[: 2 * len(TRAINING)], np.repeat(chances, 2)).predict(rows)
    np.testing.assert_allclose(found.scores.ravel(), expected, atol=1e-4)
    assert found.strength in STRENGTHS


def test_crossed_scores_know_nothing_of_the_nodule_and_its_patient() -> None:
    between = kernel(BLOCKS, TRAINING)
    chances = np.clip(0.5 + 0.2 * BLOCKS[0][TRAINING].mean(axis=(1, 2)), 0, 1)
    before = fit(between, chances, TRAINING, PATIENTS)
    other = chances.copy()
    other[:2] += 0.01  # both nodules of the first patient; so little that the strength stays
    after = fit(between, other, TRAINING, PATIENTS)
    assert before.strength == after.strength
    np.testing.assert_allclose(after.crossed[:2], before.crossed[:2], atol=1e-9)
    assert np.abs(after.crossed[2:] - before.crossed[2:]).max() > 1e-6
    assert np.abs(after.scores[:2] - before.scores[:2]).min() > 1e-6


def test_probabilities_rise_with_the_score_and_mean_what_they_say_where_scores_were_right() -> None:
    labels = [int(k % 3 == 0) for k in TRAINING]
    signal = BLOCKS[0].copy()
    signal[TRAINING] += 1.0 * np.asarray(labels)[:, None, None]
    found = fit(kernel([signal], TRAINING), np.asarray(labels, float), TRAINING, PATIENTS)
    said = found.probabilities([None, *labels[1:]])
    order = np.argsort(found.scores.ravel())
    assert (np.diff(said.ravel()[order]) >= 0).all()
    assert said[TRAINING].mean() == pytest.approx(np.mean(labels), abs=0.15)


def test_logits_are_those_of_chances_that_the_crossed_scores_come_nearest_to() -> None:
    chances = np.clip(0.5 + 0.2 * BLOCKS[0][TRAINING].mean(axis=(1, 2)), 0.05, 0.95)
    found = fit(kernel(BLOCKS, TRAINING), chances, TRAINING, PATIENTS)
    slope, intercept = np.polyfit(found.scores.ravel(), found.logits(chances).ravel(), 1)
    wanted = np.repeat(chances, 2)

    def cross_entropy(slope: float, intercept: float) -> float:
        logit = found.crossed.ravel() * slope + intercept
        return float(np.mean(np.logaddexp(0, logit) - wanted * logit))

    least = cross_entropy(slope, intercept)
    for nudge in (-0.05, 0.05):
        assert cross_entropy(slope + nudge, intercept) > least
        assert cross_entropy(slope, intercept + nudge) > least
