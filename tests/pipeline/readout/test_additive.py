"""A score taken apart adds up to the score again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nodulus.pipeline.readout.additive import SIZE, TERMS, AdditiveModel, Term, take_apart
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.statistics.estimate import Estimate

EXPLAINED = Estimate(0.9, 0.8, 0.95)
NUMBERS = st.floats(-20, 20)
RATINGS = st.fixed_dictionaries({name: st.floats(scale.low, scale.high) for name, scale in CHARACTERISTICS.items()})
MODELS = st.builds(
    AdditiveModel,
    average_logit=NUMBERS,
    terms=st.fixed_dictionaries({name: st.builds(Term, average=NUMBERS, slope=NUMBERS) for name in TERMS}),
    explained=st.just(EXPLAINED),
)


@given(model=MODELS, logit=NUMBERS, ratings=RATINGS, diameter_mm=st.floats(1, 60))
def test_the_parts_and_what_is_left_add_up_to_the_logit(
    model: AdditiveModel, logit: float, ratings: dict[str, float], diameter_mm: float
) -> None:
    found = take_apart(model, logit, ratings, diameter_mm)
    assert tuple(found.parts) == TERMS
    assert found.average + sum(found.parts.values()) + found.remainder == pytest.approx(logit, abs=1e-9)


@given(model=MODELS, ratings=RATINGS, diameter_mm=st.floats(1, 60), name=st.sampled_from(TERMS), slope=NUMBERS)
def test_a_part_is_its_slope_times_how_far_the_value_is_from_the_average(
    model: AdditiveModel, ratings: dict[str, float], diameter_mm: float, name: str, slope: float
) -> None:
    value = math.log(diameter_mm) if name == SIZE else ratings[name]
    changed = model.terms | {name: Term(average=value - 2.0, slope=slope)}
    found = take_apart(model.model_copy(update={"terms": changed}), 0.0, ratings, diameter_mm)
    assert found.parts[name] == pytest.approx(2.0 * slope, abs=1e-9)


@pytest.mark.parametrize("names", [(), TERMS[:-1], (*TERMS, "colour")])
def test_a_model_of_other_terms_is_refused(names: tuple[str, ...]) -> None:
    terms = {name: Term(average=0.0, slope=1.0) for name in names}
    with pytest.raises(ValidationError, match="expected the terms subtlety"):
        AdditiveModel(average_logit=0.0, terms=terms, explained=EXPLAINED)
