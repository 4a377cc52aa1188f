"""The part of a scan about a nodule that is held: the same voxels, read once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.patches.neighbourhood import read_neighbourhood, voxel_range
from nodulus.transforms.volume import CTVolume, volume_from_array

SHAPE = (20, 18, 12)
HU = np.random.default_rng(0).normal(-500, 300, SHAPE).astype(np.float32)


def scan(euler_deg: tuple[float, float, float] = (0, 0, 0)) -> CTVolume:
    direction = Rotation.from_euler("xyz", euler_deg, degrees=True).as_matrix()
    return volume_from_array(HU, Grid(SHAPE, affine_from([-5.0, 7.0, 30.0], direction, (0.8, 0.7, 2.0))))


@given(
    st.tuples(*[st.floats(-40, 40)] * 3),
    st.tuples(*[st.floats(0.05, 0.95)] * 3),
    st.floats(0.1, 8.0),
)
def test_every_voxel_of_the_box_and_its_neighbours_are_held(
    euler_deg: tuple[float, float, float], at: tuple[float, float, float], half_mm: float
) -> None:
    grid = scan(euler_deg).grid
    center = grid.lps_from_voxel(np.asarray(at) * (np.asarray(SHAPE) - 1))
    low, high = voxel_range(grid, (*(center - half_mm), *(center + half_mm)))
    inside = np.random.default_rng(1).uniform(center - half_mm, center + half_mm, (50, 3))
    voxels = grid.voxel_from_lps(inside)
    voxels = voxels[grid.contains_voxel(voxels)]
    last = np.asarray(SHAPE) - 1
    assert (np.clip(np.floor(voxels), 0, last) >= low).all()
    assert (np.clip(np.ceil(voxels), 0, last) < high).all()


@pytest.mark.parametrize("box", [(-90, -90, -90, -80, -80, -80), (500, 500, 500, 510, 510, 510)])
def test_of_a_box_beside_the_scan_one_voxel_is_left(box: tuple[float, ...]) -> None:
    low, high = voxel_range(scan().grid, box)  # type: ignore[arg-type]
    assert all(0 <= a < b <= n for a, b, n in zip(low, high, SHAPE, strict=True))


def test_what_is_held_is_read_once_and_the_rest_as_before() -> None:
    readings: list[tuple[int, int]] = []
    source = scan()

    def read_slab(start: int, stop: int) -> NDArray[np.float32]:
        readings.append((start, stop))
        return source.read_slab(start, stop)

    center = source.grid.lps_from_voxel([10, 9, 6])
    around = read_neighbourhood(replace(source, read_slab=read_slab), (*(center - 3), *(center + 3)))
    held = around.as_scan()
    low, high = around.low_xyz, tuple(np.add(around.low_xyz, around.intensity_hu.shape).tolist())
    within = [k + 1 for k in low], [k - 1 for k in high]
    beyond = [k - 1 for k in low], high
    assert len(readings) == 1
    for a, b in ((low, high), within):
        assert np.array_equal(held.read_region(a, b), HU[tuple(map(slice, a, b))])
    assert len(readings) == 1
    assert np.array_equal(held.read_region(*beyond), HU[tuple(map(slice, *beyond))])
    assert len(readings) == 2
    assert held.grid is source.grid


def test_what_is_added_is_the_same_at_each_reading_and_only_there() -> None:
    source = scan()
    center = source.grid.lps_from_voxel([10, 9, 6])
    around = read_neighbourhood(source, (*(center - 3), *(center + 3)))
    added = np.random.default_rng(2).normal(size=around.intensity_hu.shape).astype(np.float32)
    noisy = around.as_scan(lambda shape: added.reshape(shape))
    low, high = around.low_xyz, tuple(np.add(around.low_xyz, added.shape).tolist())
    assert np.array_equal(noisy.read_region(low, high), around.intensity_hu + added)
    assert np.array_equal(noisy.read_region([k + 1 for k in low], high), (around.intensity_hu + added)[1:, 1:, 1:])
    assert np.array_equal(noisy.read_region([0, 0, 0], SHAPE), HU)
