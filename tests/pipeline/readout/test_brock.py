import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodulus.pipeline.readout.brock import RiskFactors, brock_probability, missing_factors, risk_factors_of
from nodulus.transforms.problems import UsageError

FULL = {
    "age": "65",
    "sex": "F",
    "family_history": "yes",
    "emphysema": "no",
    "nodule_type": "part-solid",
    "lobe": "RUL",
    "nodule_count": "2",
    "spiculation": "1",
}
FACTORS = RiskFactors(65.0, "F", True, False, "part-solid", True, 2, True)

some_factors = st.builds(
    RiskFactors,
    age_years=st.floats(20, 100),
    sex=st.sampled_from(("F", "M")),
    family_history=st.booleans(),
    emphysema=st.booleans(),
    nodule_type=st.sampled_from(("solid", "part-solid", "non-solid")),
    upper_lobe=st.booleans(),
    nodule_count=st.integers(1, 30),
    spiculation=st.booleans(),
)


def as_tabulated_by_uthoff_2019(diameter_mm: float, factors: RiskFactors) -> float:
    """Return the Brock log odds as Uthoff et al. (Eur Radiol 2019;29:5367-5377) tabulate them, nothing centred.

    Their table 2, column BU; the size enters as (mm / 10) ** -0.5.
    """
    of_type = {"solid": 0.0, "part-solid": 0.377, "non-solid": -0.1276}
    return float(
        0.2761
        + 0.0287 * factors.age_years
        + 0.6011 * (factors.sex == "F")
        + 0.2961 * factors.family_history
        + 0.2953 * factors.emphysema
        + 0.6581 * factors.upper_lobe
        - 5.3854 * (diameter_mm / 10) ** -0.5
        + 0.7729 * factors.spiculation
        + of_type[factors.nodule_type]
        - 0.0824 * factors.nodule_count
    )


@given(factors=some_factors, diameter_mm=st.floats(1, 86))
def test_probability_agrees_with_the_uncentred_table_of_a_second_publication(
    factors: RiskFactors, diameter_mm: float
) -> None:
    probability = brock_probability(diameter_mm, factors)

    # Their intercept has four decimals.
    log_odds = math.log(probability / (1 - probability))
    assert log_odds == pytest.approx(as_tabulated_by_uthoff_2019(diameter_mm, factors), abs=1e-4)


def test_every_centred_term_vanishes_at_its_centre() -> None:
    centre = RiskFactors(62, "M", False, False, "solid", False, 4, False)

    # Only the intercept is left: 1 / (1 + exp(6.7892)).
    assert brock_probability(4.0, centre) == pytest.approx(0.0011246, rel=1e-3)


@given(factors=some_factors, diameter_mm=st.floats(1, 80))
def test_risk_rises_with_size_and_spiculation_and_falls_with_count(factors: RiskFactors, diameter_mm: float) -> None:
    risk = brock_probability(diameter_mm, factors)
    spiculated, smooth = replace(factors, spiculation=True), replace(factors, spiculation=False)

    assert 0 < risk < 1
    assert brock_probability(diameter_mm + 1, factors) > risk
    assert brock_probability(diameter_mm, spiculated) > brock_probability(diameter_mm, smooth)
    assert brock_probability(diameter_mm, replace(factors, nodule_count=factors.nodule_count + 1)) < risk


@pytest.mark.parametrize("diameter_mm", [0.0, -1.0, math.nan])
def test_a_diameter_that_is_none_is_refused(diameter_mm: float) -> None:
    with pytest.raises(UsageError, match="Expected a diameter above 0 mm"):
        brock_probability(diameter_mm, FACTORS)


def test_full_row_gives_all_factors() -> None:
    assert risk_factors_of(FULL) == FACTORS
    assert missing_factors(FULL) == ()


@pytest.mark.parametrize("column", list(FULL))
@pytest.mark.parametrize("empty", [None, "", "  ", "unknown", "NaN"])
def test_a_missing_factor_gives_none_and_is_named(column: str, empty: str | None) -> None:
    row = {name: text for name, text in FULL.items() if name != column} | ({} if empty is None else {column: empty})

    assert risk_factors_of(row) is None
    assert missing_factors(row) == ("upper_lobe" if column == "lobe" else column,)


def test_a_table_that_says_nothing_of_the_patient_lacks_every_factor() -> None:
    assert risk_factors_of({"comment": "seen before"}) is None
    assert len(missing_factors({})) == 8


@pytest.mark.parametrize(
    ("column", "text", "field", "value"),
    [
        ("age", "64.5", "age_years", 64.5),
        ("patient_age", "064Y", "age_years", 64.0),
        ("Patient_Sex", "male", "sex", "M"),
        ("nodule_type", "Ground-Glass", "nodule_type", "non-solid"),
        ("nodule_type", "part_solid", "nodule_type", "part-solid"),
        ("nodule_type", "GGO", "nodule_type", "non-solid"),
        ("lobe", "right upper lobe", "upper_lobe", True),
        ("lobe", "LUL", "upper_lobe", True),
        ("lobe", "Left Lower Lobe", "upper_lobe", False),
        ("lobe", "RML", "upper_lobe", False),
        ("upper_lobe", "false", "upper_lobe", False),
        ("emphysema", "TRUE", "emphysema", True),
        ("family_history", "0", "family_history", False),
        ("nodule_count", "3.0", "nodule_count", 3),
    ],
)
def test_columns_and_values_are_understood_as_people_write_them(
    column: str, text: str, field: str, value: object
) -> None:
    synonyms = {"patient_age": "age", "Patient_Sex": "sex", "upper_lobe": "lobe"}
    row = {name: cell for name, cell in FULL.items() if name != synonyms.get(column)} | {column: text}

    factors = risk_factors_of(row)

    assert factors is not None
    assert getattr(factors, field) == value


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("age", "old", "an age in years"),
        ("age", "inf", "an age in years"),
        ("age", "0", "an age in years"),
        ("sex", "x", "F or M"),
        ("nodule_type", "subsolid", "solid, part-solid or non-solid"),
        ("lobe", "left", "a lobe"),
        ("nodule_count", "0", "a whole number"),
        ("nodule_count", "1.5", "a whole number"),
        ("spiculation", "3", "yes or no"),
    ],
)
def test_a_value_that_cannot_be_understood_is_refused_with_its_column(column: str, text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=f"Expected {expected}.* in column {column}, got '{text}'"):
        risk_factors_of({column: text})
