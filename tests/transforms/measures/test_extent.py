"""Volume and axes of masks whose size is known, on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nodulus.transforms.geometry import affine_from
from nodulus.transforms.measures.extent import extent_of

SHAPE = (44, 44, 24)


def ellipse(half_mm: tuple[float, float, float], turn_deg: float, spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """Return an ellipsoid in the middle, its first two axes turned within the slice."""
    middle = (np.asarray(SHAPE) - 1) / 2
    places = (np.moveaxis(np.indices(SHAPE), 0, -1) - middle) * np.asarray(spacing_mm)
    turned = places @ Rotation.from_euler("z", turn_deg, degrees=True).as_matrix()
    return np.asarray(((turned / np.asarray(half_mm)) ** 2).sum(axis=-1) <= 1)


@settings(max_examples=40, deadline=None)
@given(
    half=st.tuples(st.floats(7, 11), st.floats(4, 6.5), st.floats(4, 9)),
    turn_deg=st.floats(0, 180),
    euler_deg=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing_mm=st.tuples(st.floats(0.6, 0.9), st.just(0.7), st.floats(0.8, 2.0)),
    mirrored=st.booleans(),
)
def test_an_ellipsoid_measures_what_it_is_however_the_scan_lies(
    half: tuple[float, float, float],
    turn_deg: float,
    euler_deg: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
    mirrored: bool,
) -> None:
    mask = ellipse(half, turn_deg, spacing_mm)
    direction = Rotation.from_euler("xyz", euler_deg, degrees=True).as_matrix()
    direction[:, 0] *= -1 if mirrored else 1
    found = extent_of(mask, affine_from((5, -20, 30), direction, spacing_mm))
    assert found.volume_mm3 == pytest.approx(4 / 3 * np.pi * np.prod(half), rel=0.08)
    assert found.long_axis_mm == pytest.approx(2 * half[0], abs=1.5)
    assert found.short_axis_mm == pytest.approx(2 * half[1], abs=1.5)


@pytest.mark.parametrize(
    ("size", "long_mm", "short_mm"),
    [((1, 1, 1), 0.75, 0.75), ((5, 1, 1), 3.55, 0.75), ((1, 1, 4), 0.75, 0.75), ((3, 3, 2), 2.86, 2.86)],
)
def test_a_few_voxels_have_axes_from_edge_to_edge(size: tuple[int, int, int], long_mm: float, short_mm: float) -> None:
    mask = np.zeros((7, 7, 7), dtype=np.bool_)
    mask[1 : 1 + size[0], 1 : 1 + size[1], 1 : 1 + size[2]] = True
    found = extent_of(mask, affine_from((0, 0, 0), np.eye(3), (0.7, 0.8, 2.0)))
    assert found.volume_mm3 == pytest.approx(np.prod(size) * 0.7 * 0.8 * 2.0)
    assert found.long_axis_mm == pytest.approx(long_mm, abs=0.05)
    assert found.short_axis_mm == pytest.approx(short_mm, abs=0.2)


def test_the_axes_are_those_of_the_slice_with_the_longest() -> None:
    mask = np.zeros((20, 20, 3), dtype=np.bool_)
    mask[8:12, 8:12, 0] = True
    mask[2:18, 9:11, 1] = True
    mask[9:11, 5:15, 2] = True
    found = extent_of(mask, np.eye(4))
    assert found.long_axis_mm == pytest.approx(np.hypot(15, 1) + 1)
    assert found.short_axis_mm < 4
