"""Log odds by hand, what is flagged for them, and what is no likeness."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.preprocessing import PolynomialFeatures

from nodulus.pipeline.readout.nodule_likeness import MEASURES, NoduleLikeness, measures_of, with_products
from nodulus.pipeline.readout.training_range import TrainingRange, fit_training_range, reasons_outside
from nodulus.transforms.patches.nodule_facts import NoduleFacts
from nodulus.transforms.patches.nodule_shape import NoduleShape
from tests.support.likeness import likeness_of

SHAPE = NoduleShape(**{part.name: 0.5 for part in fields(NoduleShape)})
FACTS = NoduleFacts(
    diameter_mm=8.0,
    slice_spacing_mm=1.25,
    inside_fraction=1.0,
    core_hu=20.0,
    aerated_fraction=0.6,
    thin_air_fraction=0.0,
    shape=SHAPE,
)


@pytest.fixture(scope="module")
def limits() -> TrainingRange:
    samples = [replace(FACTS, diameter_mm=diameter, core_hu=hu) for diameter in (4.0, 20.0) for hu in (-600.0, 100.0)]
    return fit_training_range(samples, None).model_copy(update={"likeness": likeness_of(-1.0, around_fill=-1.0)})


def test_measures_are_the_size_the_core_and_the_shape_in_their_order() -> None:
    shape = NoduleShape(*np.arange(14.0))
    found = measures_of(replace(FACTS, core_hu=900.0, shape=shape))

    assert found[:2] == pytest.approx([np.log(8.0), 400.0])  # contrast agent and calcium end at 400 HU
    assert found[2:].tolist() == list(range(14))
    assert MEASURES[2] == "inner_fill"


def test_products_are_those_of_scikit_learn() -> None:
    rows = np.random.default_rng(0).normal(size=(5, len(MEASURES)))

    expected = PolynomialFeatures(2, include_bias=False).fit_transform(rows)
    assert with_products(rows) == pytest.approx(expected)
    assert with_products(np.asarray([9.0, -9.0])).tolist() == [4, -4, 16, -16, 16]


def test_log_odds_are_a_weighted_sum_of_scaled_measures_and_products() -> None:
    random = np.random.default_rng(1)
    plain = likeness_of()
    mean, scale = random.normal(size=len(MEASURES)), random.uniform(100, 200, len(MEASURES))
    coefficients = random.normal(size=len(plain.coefficients))
    model = plain.model_copy(
        update={"mean": tuple(mean), "scale": tuple(scale), "coefficients": tuple(coefficients), "intercept": 0.25}
    )
    scaled = (measures_of(FACTS) - mean) / scale
    by_hand = 0.25 + PolynomialFeatures(2, include_bias=False).fit_transform([scaled])[0] @ coefficients

    assert model.log_odds(FACTS) == pytest.approx(by_hand)


def test_too_little_likeness_is_flagged_with_both_numbers(limits: TrainingRange) -> None:
    vessel = replace(FACTS, shape=replace(SHAPE, around_fill=1.25))
    (reason,) = reasons_outside(vessel, None, limits)

    assert reason.name == "no_nodule_shape"
    assert "log odds of -1.0 or more, got -1.2" in reason.message
    assert not reason.is_of_the_place
    assert reasons_outside(replace(FACTS, shape=replace(SHAPE, around_fill=1.0)), None, limits) == ()


def test_of_the_reasons_of_the_place_the_density_comes_first(limits: TrainingRange) -> None:
    heart = replace(FACTS, aerated_fraction=0.0, shape=replace(SHAPE, around_fill=9.0))

    assert [reason.name for reason in reasons_outside(heart, None, limits)] == ["no_nodule_density"]


def test_nothing_is_said_of_a_shape_that_cannot_be_told(limits: TrainingRange) -> None:
    untold = replace(FACTS, shape=NoduleShape())

    assert likeness_of().log_odds(untold) is None
    assert reasons_outside(untold, None, limits) == ()


def test_a_range_of_before_there_was_a_likeness_is_read_and_says_nothing(limits: TrainingRange) -> None:
    older = TrainingRange.model_validate(limits.model_dump(exclude={"likeness"}))

    assert older.likeness is None
    assert reasons_outside(replace(FACTS, shape=replace(SHAPE, around_fill=9.0)), None, older) == ()
    assert TrainingRange.model_validate_json(limits.model_dump_json()) == limits


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measures": ("log_diameter",)}, "expected the measures log_diameter, core_hu, .*, got log_diameter"),
        ({"coefficients": (1.0,)}, r"152 coefficients, got \(16, 16, 1\)"),
        ({"scale": (0.0,) * 16}, "16 scales above 0"),
    ],
)
def test_a_likeness_of_other_measures_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NoduleLikeness.model_validate(likeness_of().model_dump() | change)
