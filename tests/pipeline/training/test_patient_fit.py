"""Image and patient together on simulated patients: what helps is found with its slope, what does not is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nodulus.pipeline.readout.patient_facts import COLUMNS
from nodulus.pipeline.training.local_nodules import LocalNodules
from nodulus.pipeline.training.patient_fit import TOGETHER, choose_covariates, fit_patient_model, judge_together
from tests.support.local_place import MALE, PER_YEAR, local_place

ASKED = ("age", "sex", "emphysema")


@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_slopes_are_recovered_and_a_useless_covariate_is_rejected(missing: float) -> None:
    nodules = local_place(400, with_patient=True, missing=missing)
    kept, trials = choose_covariates(nodules, ASKED)
    assert set(kept) == {"age", "sex"}
    assert {trial.name: trial.is_kept for trial in trials} == {"age": True, "sex": True, "emphysema": False}
    (useless,) = [trial for trial in trials if trial.name == "emphysema"]
    assert useless.gain is not None
    assert useless.gain.low <= 0
    judged = judge_together(nodules, ASKED)
    assert judged.has_helped
    assert judged.auc_gain.low > 0
    assert judged.log_loss_gain.low > 0
    model = fit_patient_model(nodules, kept, judged)
    for name, slope in (("age_years", PER_YEAR), ("male", MALE), ("log_diameter_mm", 0.0)):
        assert model.terms[name].slope.low < slope < model.terms[name].slope.high, name
    assert model.slope == pytest.approx(1.0, abs=0.3)
    assert "emphysema" not in model.terms


def test_where_no_covariate_helps_nothing_is_used() -> None:
    nodules = local_place(150, seed=1)
    kept, _ = choose_covariates(nodules, ASKED)
    judged = judge_together(nodules, ASKED)
    assert kept == ()
    assert not judged.has_helped


def test_noise_is_seldom_taken_for_help() -> None:
    helped = [judge_together(local_place(60, seed=seed), ASKED[:2]).has_helped for seed in range(5)]
    assert sum(helped) == 0


def test_the_model_says_what_the_regression_says() -> None:
    nodules = local_place(150, with_patient=True, missing=0.2)
    judged = judge_together(nodules, ASKED[:2])
    model = fit_patient_model(nodules, ("age", "sex"), judged)
    logits = [_logit(model, nodules, row) for row in range(len(nodules))]
    # The maximum of the likelihood: as many are malignant as it says.
    assert (1 / (1 + np.exp(-np.asarray(logits)))).mean() == pytest.approx(nodules.labels.mean(), abs=5e-3)
    assert judged.auc[TOGETHER].value > 0.5


def _logit(model: object, nodules: LocalNodules, row: int) -> float:
    facts = dict(zip(COLUMNS, nodules.facts[row], strict=True))
    return float(model.logit(nodules.logits[row], math.exp(nodules.log_diameters[row]), facts))  # type: ignore[attr-defined]


def test_a_covariate_that_nobody_knows_is_named_and_not_tried() -> None:
    _, trials = choose_covariates(local_place(40), ("count", "lobe"))
    assert [trial.gain for trial in trials] == [None, None]
    assert trials[0].reason == "known of 0 malignant and 0 benign nodules, 10 of each are needed"
