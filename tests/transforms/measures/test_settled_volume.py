"""The volume by outline and diameter lies between both, and the diameter has a quarter of the word."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodulus.transforms.measures.settled_volume import ball_volume_mm3, settled_volume_mm3

VOLUMES_MM3, DIAMETERS_MM = st.floats(5, 50_000), st.floats(2, 60)


@given(outline_mm3=VOLUMES_MM3, diameter_mm=DIAMETERS_MM)
def test_the_volume_lies_between_the_outlines_and_the_balls_nearer_to_the_outlines(
    outline_mm3: float, diameter_mm: float
) -> None:
    ball_mm3 = ball_volume_mm3(diameter_mm)
    way = math.log(settled_volume_mm3(outline_mm3, diameter_mm) / outline_mm3)
    assert way == pytest.approx(math.log(ball_mm3 / outline_mm3) / 4, abs=1e-9)


@given(outline_mm3=VOLUMES_MM3)
def test_an_outlines_own_diameter_changes_nothing(outline_mm3: float) -> None:
    own_mm = (6 * outline_mm3 / math.pi) ** (1 / 3) / 1.12
    assert settled_volume_mm3(outline_mm3, own_mm) == pytest.approx(outline_mm3)


@given(outline_mm3=VOLUMES_MM3, diameter_mm=DIAMETERS_MM, factor=st.floats(0.8, 1.25))
def test_a_wrong_diameter_is_followed_by_less_than_its_own_factor(
    outline_mm3: float, diameter_mm: float, factor: float
) -> None:
    changed = settled_volume_mm3(outline_mm3, diameter_mm * factor) / settled_volume_mm3(outline_mm3, diameter_mm)
    assert changed == pytest.approx(factor**0.75)
