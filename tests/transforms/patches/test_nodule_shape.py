"""Shapes whose measures are known: balls, vessels along each axis, a wall, plain lung."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nodulus.transforms.patches.nodule_facts import NoduleFacts, nodule_facts
from nodulus.transforms.patches.nodule_shape import UNTOLD, NoduleShape, nodule_shape

Patch = NDArray[np.float64]

SIZE = 41
LUNG, TISSUE, AIR = -850.0, 0.0, -1000.0
# 0.5 mm in the plane and 1 mm along z, as the network's patches are, and a box that is cut tight in z.
SPACING = (0.5, 0.5, 1.0)
SHOWN = np.asarray([[1, 40], [1, 40], [16, 25]])
X, Y, Z = (step * axis for step, axis in zip(SPACING, np.ogrid[(slice(-20, 21),) * 3], strict=True))


def lung(noise_hu: float = 0.0) -> Patch:
    return LUNG + noise_hu * np.random.default_rng(0).standard_normal((SIZE,) * 3)


def ball(diameter_mm: float, noise_hu: float = 0.0) -> Patch:
    return np.where(diameter_mm**2 / 4 >= X**2 + Y**2 + Z**2, TISSUE, lung(noise_hu))


def vessel(axis: str, diameter_mm: float) -> Patch:
    """A vessel that runs through the centre along x, y or z."""
    off = {"x": Y**2 + Z**2 + 0 * X, "y": X**2 + Z**2 + 0 * Y, "z": X**2 + Y**2 + 0 * Z}[axis]
    return np.where(off <= diameter_mm**2 / 4, TISSUE, lung())


def shape(patch: Patch, diameter_mm: float, shown: NDArray[np.int64] = SHOWN, core_hu: float = TISSUE) -> NoduleShape:
    filled = np.full_like(patch, AIR)
    box = tuple(slice(*part) for part in shown)
    filled[box] = patch[box]
    return nodule_shape(filled, shown, spacing_mm=SPACING, diameter_mm=diameter_mm, core_hu=core_hu)


@pytest.mark.parametrize("diameter_mm", [6.0, 8.0, 9.5])
def test_a_ball_in_lung_is_full_within_its_radius_and_empty_around(diameter_mm: float) -> None:
    found = shape(ball(diameter_mm), diameter_mm)

    assert found.inner_fill == 1
    assert found.around_fill == found.beyond_fill == found.ring_through == found.ring_upper_fill == 0
    assert found.inward >= 0.5
    assert found.end_fill_low == found.end_fill_high < 0.7 * found.disc_fill
    assert found.off_z_radii == pytest.approx(0, abs=1e-9)
    # A ball's variance along each axis is a fifth of the squared radius, a little more where its poles are cut off.
    assert found.spread_radii == pytest.approx(np.sqrt(2 / 5), abs=0.08)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_vessel_in_the_plane_leaves_on_both_sides(axis: str) -> None:
    found = shape(vessel(axis, 6.0), 6.0)

    assert found.ring_through > 0.9
    assert found.elongation < 0.7


def test_a_vessel_along_the_body_goes_on_in_both_outer_slices() -> None:
    found = shape(vessel("z", 6.0), 6.0)

    assert found.end_fill_low == found.end_fill_high == found.disc_fill
    assert found.ring_through == 0


def test_a_nodule_at_the_wall_has_tissue_on_one_side_only() -> None:
    patch = ball(6.0)
    patch[:14] = TISSUE
    found = shape(patch, 6.0)

    assert found.ring_upper_fill > 0.9
    assert found.ring_through < 0.2
    plain = shape(np.full_like(patch, TISSUE), 6.0)
    assert (plain.ring_through, plain.inward) == (1, 0)


def test_the_same_shape_twice_as_large_measures_the_same_in_radii() -> None:
    small, large = shape(ball(5.0), 5.0), shape(ball(10.0), 10.0)

    for name in ("inner_fill", "around_fill", "spread_radii", "elongation"):
        assert getattr(small, name) == pytest.approx(getattr(large, name), abs=0.1), name
    assert small.disc_fill == pytest.approx(large.disc_fill, abs=0.06)


@settings(deadline=None)  # a machine may be busy
@given(flips=st.sets(st.integers(0, 2)), swap=st.booleans(), diameter_mm=st.floats(3, 15), wall=st.integers(0, 14))
def test_mirrors_and_quarter_turns_change_nothing(flips: set[int], swap: bool, diameter_mm: float, wall: int) -> None:
    shown = np.asarray([[3, 38], [1, 36], [14, 25]])
    patch = ball(diameter_mm, noise_hu=30.0)
    patch[:, :wall] = TISSUE
    order = [1, 0, 2] if swap else [0, 1, 2]
    turned = np.flip(patch, tuple(flips)).transpose(order)
    turned_shown = np.stack([SIZE - part[::-1] if axis in flips else part for axis, part in enumerate(shown)])[order]

    found, plain = shape(turned, diameter_mm, turned_shown), shape(patch, diameter_mm, shown)
    assert astuple(found) == pytest.approx(astuple(plain))


@settings(deadline=None)
@given(hidden=st.integers(1, 4))
def test_slices_that_were_not_scanned_count_for_nothing(hidden: int) -> None:
    patch = ball(8.0, noise_hu=20.0)
    patch[:, :, 25 - hidden :] = AIR
    fewer = np.asarray([[1, 40], [1, 40], [16, 25 - hidden]])

    assert shape(patch, 8.0) == shape(patch, 8.0, fewer)


def test_nothing_is_told_where_nothing_is_shown() -> None:
    assert shape(np.full((SIZE,) * 3, AIR), 8.0) is UNTOLD
    assert all(np.isnan(value) for value in astuple(UNTOLD))
    assert np.isnan(shape(ball(8.0), 40.0).around_fill)  # a ring that lies beyond the patch


def test_facts_survive_as_flat_numbers() -> None:
    facts = nodule_facts(
        ball(8.0), SHOWN, spacing_mm=SPACING, diameter_mm=8.0, slice_spacing_mm=1.25, inside_fraction=1.0
    )

    assert NoduleFacts.of_numbers(facts.numbers()) == facts
    assert all(type(number) is float for number in facts.numbers().values())
    assert facts.shape == shape(ball(8.0), 8.0)
