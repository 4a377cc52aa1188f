"""Parallel axes are a way to be faster: every value is that of the way for any axes, to the last bit."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodulus.transforms.geometry import Grid, affine_from, swap_lps_ras
from nodulus.transforms.patches import patch
from nodulus.transforms.patches.along_axes import along_axes
from nodulus.transforms.patches.box import VoxelRange
from nodulus.transforms.volume import CTVolume, volume_from_array

SHOWN: VoxelRange = (slice(2, 13), slice(0, 9), slice(1, 8))
TURNS = [
    np.eye(3)[list(order)] * np.asarray(signs)[:, None]
    for order, signs in product(permutations(range(3)), product((-1.0, 1.0), repeat=3))
]


def scan(turn: np.ndarray, spacing_mm: tuple[float, float, float], seed: int, size: tuple[int, int, int]) -> CTVolume:
    draw = np.random.default_rng(seed)
    grid = Grid(size, affine_from(tuple(draw.uniform(-300, 300, 3)), turn, spacing_mm))
    return volume_from_array(draw.uniform(-1000, 1000, size).astype(np.float32), grid)


def patch_near(volume: CTVolume, off_voxels: tuple[float, float, float]) -> np.ndarray:
    """Return the RAS affine of a patch whose first voxel is so many voxels off the scan's middle."""
    middle = (np.asarray(volume.grid.size_xyz) - 1) / 2 + np.asarray(off_voxels)
    affine_lps = np.diag([0.5, 0.5, 1.0, 1.0])
    affine_lps[:3, 3] = volume.grid.lps_from_voxel(middle) - (3.0, 2.0, 3.5)
    return swap_lps_ras(affine_lps)


@settings(deadline=None, max_examples=150)
@given(
    turn=st.sampled_from(TURNS),
    spacing_mm=st.tuples(*[st.sampled_from((0.3, 0.703125, 1.0, 2.5))] * 3),
    off=st.tuples(*[st.floats(-12, 12)] * 3),
    size=st.tuples(*[st.integers(1, 14)] * 3),
    seed=st.integers(0, 2**16),
)
def test_values_and_coverage_are_those_of_any_axes(
    turn: np.ndarray,
    spacing_mm: tuple[float, float, float],
    off: tuple[float, float, float],
    size: tuple[int, int, int],
    seed: int,
) -> None:
    volume = scan(turn, spacing_mm, seed, size)
    affine_ras = patch_near(volume, off)
    assert along_axes(volume.grid, affine_ras, SHOWN) is not None
    found, covered = patch.sample_range(volume, affine_ras, SHOWN)
    with pytest.MonkeyPatch.context() as without:
        without.setattr(patch, "along_axes", lambda *_: None)
        expected, expected_covered = patch.sample_range(volume, affine_ras, SHOWN)
    np.testing.assert_array_equal(found, expected)
    assert covered == expected_covered


def test_axes_that_are_turned_or_uneven_take_the_other_way() -> None:
    turned = np.asarray([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    volume = scan(turned, (1.0, 1.0, 1.0), 0, (9, 9, 9))
    assert along_axes(volume.grid, patch_near(volume, (0, 0, 0)), SHOWN) is None
    uneven = Grid((9, 9, 4), np.eye(4), np.asarray([0.0, 1.0, 2.4, 3.0]))
    assert along_axes(uneven, np.eye(4), SHOWN) is None
