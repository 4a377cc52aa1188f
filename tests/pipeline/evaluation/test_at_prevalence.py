"""What an evaluation tells of another prevalence: the curve, the thresholds, and that it is so."""

from __future__ import annotations

import pytest

from nodulus.pipeline.evaluation.metrics import evaluate_predictions
from nodulus.pipeline.evaluation.page import render_page
from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from tests.support.simulated_predictions import simulated_context, simulated_predictions

SHIFT = PrevalenceShift(asked=0.02, calibrated=0.475)


def test_thresholds_and_predictive_values_are_those_of_the_prevalence() -> None:
    predictions = simulated_predictions()
    context = simulated_context(prevalence=SHIFT, n_resamples=50)
    evaluation = evaluate_predictions(predictions, context)
    there = evaluation.at_prevalence
    assert there is not None
    for point, here in zip(there.operating_points, evaluation.operating_points, strict=True):
        assert point.threshold == pytest.approx(SHIFT.probability(here.chosen.threshold))
        sensitivity, specificity = here.network.sensitivity.value, here.network.specificity.value
        called = 0.02 * sensitivity + 0.98 * (1 - specificity)
        assert point.ppv is not None
        assert point.npv is not None
        assert point.ppv.value == pytest.approx(0.02 * sensitivity / called)
        assert point.npv.value == pytest.approx(0.98 * specificity / (1 - called))
        assert point.ppv.low <= point.ppv.value <= point.ppv.high
    assert there.decision_curve.treat_all.value[0] == pytest.approx(0.02 - 0.98 * 0.01 / 0.99)
    page = render_page(evaluation, {})
    assert "Where 2 % of the nodules are malignant" in page
    assert "Decision curve at a prevalence of 2 %" in page


def test_all_else_stays_and_nothing_is_told_unasked() -> None:
    predictions = simulated_predictions(80)
    plain = evaluate_predictions(predictions, simulated_context(n_resamples=50))
    moved = evaluate_predictions(predictions, simulated_context(n_resamples=50, prevalence=SHIFT))
    assert plain.at_prevalence is None
    assert "prevalence of" not in render_page(plain, {})
    same = moved.model_copy(update={"at_prevalence": None, "context": plain.context})
    assert same == plain
