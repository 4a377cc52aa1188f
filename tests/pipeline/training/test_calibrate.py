"""The logistic function of a calibration, where it exists and where the data leave none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from nodulus.pipeline.training.calibrate import fit_logistic


def test_the_fit_is_where_the_likelihood_is_flat() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    labels = random.random(200) < expit(2 * x - 0.5)
    found = fit_logistic(x, labels.astype(int))
    error = labels - expit(found.slope * x + found.intercept)
    assert [error.sum(), (error * x).sum()] == pytest.approx([0, 0], abs=1e-3)


@pytest.mark.parametrize("x", [[1, 2, 3, 4], [1, 2, 2, 3]])
def test_a_number_that_parts_the_classes_is_not_believed_without_end(x: list[float]) -> None:
    found = fit_logistic(x, [0, 0, 1, 1])
    # Two nodules of a class count as three of four, so that none is told a probability of 0 or 1.
    assert max(abs(found.slope * each + found.intercept) for each in x) < 2
    assert found.slope > 0


def test_two_nodules_give_what_platt_gives() -> None:
    found = fit_logistic([1, 2], [0, 1])
    assert found.probability(2) == pytest.approx(2 / 3, abs=1e-4)
    assert found.probability(1) == pytest.approx(1 / 3, abs=1e-4)
    assert found.slope == pytest.approx(2 * logit(2 / 3), abs=1e-3)


def test_a_number_that_never_changes_says_the_share_of_each_class() -> None:
    found = fit_logistic([3, 3, 3, 3], [0, 0, 0, 1])
    assert found.probability(3) == pytest.approx(0.25, abs=1e-4)


def test_scores_that_fall_with_the_label_are_not_turned_round(caplog: pytest.LogCaptureFixture) -> None:
    fitted = fit_logistic([3.0, 2.0, 1.5, 1.0, 0.0, 1.6], [0, 0, 0, 1, 1, 1])
    assert fitted.slope == 0.0
    assert fitted.probability(-5.0) == fitted.probability(5.0) == pytest.approx(0.5)
    assert "say nothing" in caplog.text
