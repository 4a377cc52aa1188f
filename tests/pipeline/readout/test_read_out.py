"""One nodule read out at another prevalence, and with what is known of the patient."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from nodulus.pipeline.readout.calibration import Calibration, logistic, read_calibration
from nodulus.pipeline.readout.patient_facts import COLUMNS, patient_facts
from nodulus.pipeline.readout.patient_model import LOG_DIAMETER, PatientModel, PatientTerm
from nodulus.pipeline.readout.prior_shift import logit_of
from nodulus.pipeline.readout.readout import read_out
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.transforms.patches.nodule_facts import NoduleFacts

FACTS = NoduleFacts(
    diameter_mm=9.0,
    slice_spacing_mm=1.0,
    inside_fraction=1.0,
    core_hu=20.0,
    aerated_fraction=0.6,
    thin_air_fraction=0.0,
)


@pytest.fixture(scope="module")
def calibration(bundle: Path) -> Calibration:
    return read_calibration(bundle / "models" / "calibration.json")


def some_logits(n: int = 40) -> list[list[float]]:
    return np.random.default_rng(0).normal(0, 1.0, (n, 10)).tolist()


def exact(value: float) -> Estimate:
    return Estimate(value, value, value)


def model() -> PatientModel:
    terms = {
        LOG_DIAMETER: PatientTerm(mean=2.0, slope=exact(0.5)),
        "age_years": PatientTerm(mean=60.0, slope=exact(0.1)),
        "male": PatientTerm(mean=0.4, slope=exact(-1.0)),
    }
    gain = exact(0.1)
    return PatientModel(
        intercept=-0.3, slope=0.8, terms=terms, covariates=("age", "sex"), auc_gain=gain, log_loss_gain=gain
    )


@pytest.mark.parametrize("asked", [0.001, 0.01, 0.3, 0.9])
def test_the_calls_stay_and_the_thresholds_move_with_the_scores(calibration: Calibration, asked: float) -> None:
    for logits in some_logits():
        plain, moved = read_out(calibration, logits, FACTS), read_out(calibration, logits, FACTS, prevalence=asked)
        assert moved.above == plain.above
        shift = moved.prevalence
        assert shift is not None
        for point in calibration.operating_points:
            assert moved.above[point.name] == (moved.malignant >= shift.probability(point.threshold))
        assert (shift.asked, shift.calibrated) == (asked, 67 / 141)
        assert logit_of(moved.size_only) - logit_of(plain.size_only) == pytest.approx(shift.in_logits)


def test_the_prevalence_of_the_calibration_changes_nothing(calibration: Calibration) -> None:
    for logits in some_logits():
        plain, same = read_out(calibration, logits, FACTS), read_out(calibration, logits, FACTS, prevalence=67 / 141)
        assert same.malignant == pytest.approx(plain.malignant, abs=1e-12)
        assert plain.prevalence is None


def test_the_sum_of_a_moved_score_still_adds_up(calibration: Calibration) -> None:
    known = patient_facts({"age": "70", "sex": "M"})
    changed = calibration.model_copy(update={"patient": model()})
    for logits in some_logits():
        found = read_out(changed, logits, FACTS, known, prevalence=0.02)
        parts = found.parts
        assert parts is not None
        assert parts.average + sum(parts.parts.values()) + parts.remainder == pytest.approx(parts.logit)
        assert logistic(parts.logit) == pytest.approx(found.malignant)


def test_the_patient_enters_as_the_regression_says(calibration: Calibration) -> None:
    changed = calibration.model_copy(update={"patient": model()})
    logits = some_logits()[0]
    image = calibration.malignant_logit(logits)
    found = read_out(changed, logits, FACTS, patient_facts({"age": "70", "sex": "M"}))
    expected = -0.3 + 0.8 * image + 0.5 * (math.log(9) - 2) + 0.1 * 10 - 1.0 * 0.6
    assert logit_of(found.malignant) == pytest.approx(expected)
    assert found.patient is not None
    assert (found.patient.used, found.patient.missing) == (("age", "sex"), ())
    assert found.patient.image_alone == pytest.approx(logistic(image))


def test_what_is_missing_counts_as_the_average_and_is_named(calibration: Calibration) -> None:
    changed = calibration.model_copy(update={"patient": model()})
    logits = some_logits()[0]
    found = read_out(changed, logits, FACTS, patient_facts({"sex": "F", "age": "unknown"}))
    expected = -0.3 + 0.8 * calibration.malignant_logit(logits) + 0.5 * (math.log(9) - 2) + 0.4
    assert logit_of(found.malignant) == pytest.approx(expected)
    assert found.patient is not None
    assert (found.patient.used, found.patient.missing) == (("sex",), ("age",))
    assert "age not given and taken as average" in found.patient.in_words


@pytest.mark.parametrize("attributes", [{}, {"age": "", "sex": "?"}, {"emphysema": "yes"}])
def test_without_the_patient_the_image_speaks_alone_and_says_so(
    calibration: Calibration, attributes: dict[str, str]
) -> None:
    changed = calibration.model_copy(update={"patient": model()})
    for logits in some_logits():
        plain, found = read_out(calibration, logits, FACTS), read_out(changed, logits, FACTS, patient_facts(attributes))
        assert found.malignant == plain.malignant
        assert found.patient is not None
        assert (found.patient.used, found.patient.missing) == ((), ("age", "sex"))
        assert found.patient.in_words.startswith("image alone")
        assert plain.patient is None


def test_facts_are_numbers_and_what_is_not_understood_is_not_known() -> None:
    facts = patient_facts({"patient_age": 64.0, "sex": "F", "lobe": "RUL", "nodule_type": "GGO?", "emphysema": True})
    known = {name: value for name, value in facts.items() if not math.isnan(value)}
    assert known == {"age_years": 64.0, "male": 0.0, "upper_lobe": 1.0, "emphysema": 1.0}
    assert tuple(facts) == COLUMNS
