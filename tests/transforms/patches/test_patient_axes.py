"""A whole scan along the patient's axes: MONAI's own grid where the scan lies so, and the right places where not."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Orientation, Spacing
from numpy.typing import NDArray

from nodulus.transforms.geometry import Grid, affine_from, swap_lps_ras
from nodulus.transforms.patches.patient_axes import patient_axes, resample_to_patient_axes
from nodulus.transforms.volume import AIR_HU, CTVolume, volume_from_array

SIZE_XYZ = (14, 11, 9)
SPACING_MM = (1.1, 1.6, 2.3)
ALONG_THE_AXES = [
    np.eye(3)[:, list(order)] * signs for order in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)
]


def scan_along(direction: NDArray[np.float64], steps: NDArray[np.float64] | None = None) -> CTVolume:
    """Return a scan whose Hounsfield units are a linear function of the RAS position."""
    affine_lps = affine_from((31.0, -17.0, 120.0), direction, SPACING_MM)
    grid = Grid(SIZE_XYZ, affine_lps, steps)
    places = grid.lps_from_voxel(np.stack(np.meshgrid(*map(np.arange, SIZE_XYZ), indexing="ij"), axis=-1))
    return volume_from_array(linear_hu(places).astype(np.float32), grid)


def linear_hu(points_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points_lps_mm @ [-3.0, 2.0, 1.5] - 400)


@pytest.mark.parametrize("direction", ALONG_THE_AXES)
def test_along_the_axes_it_is_what_monais_own_transforms_give(direction: NDArray[np.float64]) -> None:
    volume = scan_along(direction)
    spacing_mm = (0.703125, 0.703125, 1.25)
    found, affine_ras = resample_to_patient_axes(volume, spacing_mm)
    image = MetaTensor(
        torch.from_numpy(volume.read_all())[None], affine=torch.from_numpy(swap_lps_ras(volume.grid.affine_lps))
    )
    expected = Spacing(spacing_mm, padding_mode="border")(Orientation("RAS", labels=None)(image))
    np.testing.assert_allclose(affine_ras, expected.affine.numpy(), atol=1e-4)
    assert found.shape == tuple(expected.shape[1:])
    np.testing.assert_allclose(found, expected[0].numpy(), atol=0.05)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*3 * [st.floats(-40, 40)]), st.booleans(), st.booleans())
def test_every_voxel_shows_its_place_and_air_where_nothing_was_scanned(
    degrees: tuple[float, float, float], is_left_handed: bool, is_uneven: bool
) -> None:
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(3)
        a, b = [each for each in range(3) if each != axis]
        one[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turn = turn @ one
    steps = np.array([0, 1, 2, 3.5, 4.5, 6, 7, 8, 9.0]) if is_uneven else None
    volume = scan_along(turn @ np.diag([1.0, 1.0, -1.0 if is_left_handed else 1.0]), steps)
    found, affine_ras = resample_to_patient_axes(volume, (1.0, 1.2, 2.0))
    index = np.stack(np.meshgrid(*map(np.arange, found.shape), indexing="ij"), axis=-1)
    places_lps_mm = (index @ affine_ras[:3, :3].T + affine_ras[:3, 3]) * [-1, -1, 1]
    last = np.asarray(SIZE_XYZ) - 1
    voxels = volume.grid.voxel_from_lps(places_lps_mm)
    is_inner = ((voxels >= 0) & (voxels <= last)).all(axis=-1)
    assert is_inner.mean() > 0.1
    np.testing.assert_allclose(found[is_inner], linear_hu(places_lps_mm[is_inner]), atol=0.05)
    assert (found[~volume.grid.contains_lps(places_lps_mm)] == AIR_HU).all()


def test_all_voxel_centres_lie_in_the_grid() -> None:
    direction = ALONG_THE_AXES[0] @ np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]])
    grid = Grid(SIZE_XYZ, affine_from((1, 2, 3), direction, SPACING_MM))
    size_xyz, affine_ras = patient_axes(grid, (1.0, 1.0, 1.0))
    corners = grid.lps_from_voxel(np.array(list(product((0, 1), repeat=3))) * (np.asarray(SIZE_XYZ) - 1)) * [-1, -1, 1]
    inside = (corners - affine_ras[:3, 3]) / np.diag(affine_ras)[:3]
    assert inside.min() > -1e-6
    assert (inside < np.asarray(size_xyz) - 0.5 + 1e-6).all()
