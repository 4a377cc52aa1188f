"""Another prevalence: by Bayes' rule, back again, in the same order, and refused where it is no share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodulus.pipeline.readout.prior_shift import PrevalenceShift, check_prevalence, logit_of
from nodulus.transforms.problems import UsageError

SHARES = st.floats(1e-4, 1 - 1e-4)


@given(SHARES, SHARES, SHARES)
def test_it_is_bayes_rule_and_the_way_back_undoes_it(probability: float, asked: float, calibrated: float) -> None:
    there = PrevalenceShift(asked=asked, calibrated=calibrated)
    moved = there.probability(probability)
    # p(score | malignant) / p(score | benign) is what the shift must not touch.
    ratio = probability / (1 - probability) / (calibrated / (1 - calibrated))
    assert moved / (1 - moved) == pytest.approx(ratio * asked / (1 - asked), rel=1e-6)
    assert logit_of(moved) - logit_of(probability) == pytest.approx(there.in_logits, abs=1e-6)
    back = PrevalenceShift(asked=calibrated, calibrated=asked)
    assert back.probability(moved) == pytest.approx(probability, rel=1e-6)


@given(SHARES, SHARES, st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_order_stays(asked: float, calibrated: float, probabilities: list[float]) -> None:
    shift = PrevalenceShift(asked=asked, calibrated=calibrated)
    moved = [shift.probability(each) for each in sorted(probabilities)]
    assert moved == sorted(moved)
    assert all(0 <= each <= 1 for each in moved)


def test_scores_of_a_rarer_disease_are_right_there() -> None:
    random = np.random.default_rng(0)
    n, asked = 200_000, 0.02
    is_malignant = random.random(n) < asked
    score = random.normal(np.where(is_malignant, 1.0, -1.0), 1.0)
    shift = PrevalenceShift(asked=asked, calibrated=0.5)
    # Two normal classes at +-1 of which half are malignant: the logit is twice the score.
    moved = np.asarray([shift.probability(1 / (1 + np.exp(-2 * each))) for each in score])
    assert moved.mean() == pytest.approx(is_malignant.mean(), rel=0.03)
    high = moved > 0.3
    assert moved[high].mean() == pytest.approx(is_malignant[high].mean(), rel=0.1)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_what_is_no_share_is_refused(prevalence: float) -> None:
    with pytest.raises(UsageError, match=r"^Expected a prevalence above 0 and below 1, such as 0.01, got"):
        check_prevalence(prevalence)


def test_none_is_as_calibrated() -> None:
    assert check_prevalence(None) is None
