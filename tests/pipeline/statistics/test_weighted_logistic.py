"""The logistic regressions against a general optimiser, weights against repeated nodules."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from nodulus.pipeline.statistics.weighted_logistic import weighted_logistic


def nodules(seed: int, n_nodules: int = 80) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return a design of intercept and one variable, labels, and whole weights of six fits."""
    random = np.random.default_rng(seed)
    variable = random.normal(0, 3, n_nodules)
    is_malignant = random.random(n_nodules) < 1 / (1 + np.exp(1 - 0.7 * variable))
    return np.stack([np.ones(n_nodules), variable], 1), is_malignant, random.poisson(1, (6, n_nodules)).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_coefficients_are_those_of_a_general_optimiser(seed: int) -> None:
    design, is_malignant, weights = nodules(seed)
    found = weighted_logistic(design, is_malignant, weights)
    for row, weight in enumerate(weights):

        def loss(at: NDArray[np.float64], weight: NDArray[np.float64] = weight) -> float:
            logit = design @ at
            return float((weight * (np.logaddexp(0, logit) - is_malignant * logit)).sum())

        assert found[row] == pytest.approx(minimize(loss, np.zeros(2), tol=1e-10).x, abs=1e-3)


def test_a_weight_is_a_number_of_copies() -> None:
    design, is_malignant, weights = nodules(7)
    copies = np.repeat(np.arange(len(is_malignant)), weights[0].astype(int))
    alone = weighted_logistic(design[copies], is_malignant[copies], np.ones((1, len(copies))))
    assert weighted_logistic(design, is_malignant, weights)[0] == pytest.approx(alone[0])


def test_an_offset_is_a_variable_whose_coefficient_is_fixed() -> None:
    design, is_malignant, weights = nodules(8)
    free = weighted_logistic(design, is_malignant, weights[:1])[0]
    fixed = weighted_logistic(design[:, :1], is_malignant, weights[:1], offset=free[1] * design[:, 1])
    assert fixed[0, 0] == pytest.approx(free[0])


def test_intercept_alone_is_the_logit_of_the_weighted_share() -> None:
    design, is_malignant, weights = nodules(9)
    share = (weights @ is_malignant) / weights.sum(axis=1)
    found = weighted_logistic(design[:, :1], is_malignant, weights)[:, 0]
    assert found == pytest.approx(np.log(share / (1 - share)))


def test_a_steep_fit_far_from_the_start_is_reached() -> None:
    variable = np.asarray([-13.0, -12.0, 12.9, 12.95, 13.0, 13.05, 13.1, 13.2])
    is_malignant = np.asarray([0, 0, 0, 0, 1, 0, 1, 1], dtype=bool)
    design = np.stack([np.ones(8), variable], 1)
    coefficients = weighted_logistic(design, is_malignant, np.ones((1, 8)))[0]
    probability = 1 / (1 + np.exp(-design @ coefficients))
    assert design.T @ (is_malignant - probability) == pytest.approx([0, 0], abs=1e-6)
    assert coefficients[1] > 5


def test_an_offset_that_is_far_off_is_undone() -> None:
    # A full Newton step from here goes thousands of units too far, to where the likelihood is flat.
    is_malignant = np.asarray([True, False, False, False])
    found = weighted_logistic(np.ones((4, 1)), is_malignant, np.ones((1, 4)), offset=np.full(4, 10.0))
    assert found[0, 0] == pytest.approx(np.log(1 / 3) - 10)
