"""The patch against an independent resampler and against what is true by construction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nodulus.transforms.geometry import Grid, affine_from, swap_lps_ras, swap_lps_ras_points
from nodulus.transforms.patches.box import (
    Box,
    Pose,
    Size,
    Spacing,
    as_sizes,
    as_triple,
    box_around,
    patch_affine_ras,
    shown_voxels,
)
from nodulus.transforms.patches.patch import cut_patch, patch_points_lps
from nodulus.transforms.volume import AIR_HU, CTVolume, volume_from_array

ORIENTATIONS = {
    "axial": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "coronal": np.asarray([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "oblique": Rotation.from_euler("xyz", [12, -20, 35], degrees=True).as_matrix(),
}
SIZE, SPACING_MM = 15, 1.0
# A cube, and a block whose axes differ in length and in step.
GRIDS: dict[str, tuple[Size, Spacing]] = {"cube": (SIZE, SPACING_MM), "block": ((17, 13, 9), (0.5, 0.8, 1.3))}


def rough_volume(direction: NDArray[np.float64], spacing_mm: tuple[float, float, float]) -> tuple[CTVolume, Any]:
    """Return a scan of noise, where any error of half a voxel shows, and the same scan as a SimpleITK image."""
    hu = np.random.default_rng(7).integers(-1000, 1000, (30, 34, 22)).astype(np.float32)
    origin = (-12.5, 40.0, -103.0)
    image = sitk.GetImageFromArray(hu.transpose(2, 1, 0))
    image.SetOrigin(origin)
    image.SetSpacing(spacing_mm)
    image.SetDirection(direction.ravel().tolist())
    return volume_from_array(hu, Grid((30, 34, 22), affine_from(origin, direction, spacing_mm))), image


def resample_with_itk(image: Any, affine_ras: NDArray[np.float64], size: Size) -> NDArray[np.float32]:
    """Return the patch as SimpleITK's linear resampler makes it, (x, y, z)."""
    affine_lps = swap_lps_ras(affine_ras)
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    resampled = sitk.Resample(
        image,
        list(as_sizes(size)),
        sitk.Transform(),
        sitk.sitkLinear,
        affine_lps[:3, 3].tolist(),
        spacing.tolist(),
        (affine_lps[:3, :3] / spacing).ravel().tolist(),
        AIR_HU,
        sitk.sitkFloat32,
    )
    return np.asarray(sitk.GetArrayFromImage(resampled).transpose(2, 1, 0))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 2.5), (0.6, 0.9, 1.25), (1.0, 1.0, 1.0)], ids=str)
@pytest.mark.parametrize("voxel", [(15, 17, 11), (2, 30, 20)], ids=["middle", "border"])
@pytest.mark.parametrize("grid", GRIDS)
def test_patch_equals_the_simpleitk_resampler(
    orientation: str, spacing_mm: tuple[float, float, float], voxel: tuple[int, int, int], grid: str
) -> None:
    size, step_mm = GRIDS[grid]
    volume, image = rough_volume(ORIENTATIONS[orientation], spacing_mm)
    center_lps_mm = volume.grid.lps_from_voxel(voxel) + 0.123
    affine_ras = patch_affine_ras(center_lps_mm, size, step_mm)

    patch = cut_patch(volume, affine_ras, size)

    # Where a sample falls on the outer face of the border voxels, in or out is a matter of rounding.
    x, y, z = (slice(0, length) for length in as_sizes(size))
    points = patch_points_lps(affine_ras, (x, y, z))
    index = volume.grid.voxel_from_lps(points)
    off_face = np.all(
        (np.abs(index + 0.5) > 0.01) & (np.abs(index - np.asarray(volume.grid.size_xyz) + 0.5) > 0.01), axis=-1
    )
    difference = np.abs(patch.intensity_hu - resample_with_itk(image, affine_ras, size))
    assert off_face.mean() > 0.9
    assert difference[off_face].max() < 0.5


def test_nodule_centre_is_the_middle_of_the_patch() -> None:
    x, y, z = size = (17, 13, 9)
    affine_ras = patch_affine_ras((10.0, -20.0, 30.0), size, (0.75, 0.5, 2.0))
    middle_ras = affine_ras @ [x // 2, y // 2, z // 2, 1]
    np.testing.assert_allclose(swap_lps_ras_points(middle_ras[:3]), [10.0, -20.0, 30.0], atol=1e-9)


def test_patch_at_the_border_keeps_the_centre_and_is_air_outside() -> None:
    volume, _ = rough_volume(np.eye(3), (1.0, 1.0, 1.0))
    corner_lps_mm = volume.grid.lps_from_voxel([0, 0, 0])
    patch = cut_patch(volume, patch_affine_ras(corner_lps_mm, SIZE, SPACING_MM), SIZE)
    middle = SIZE // 2
    assert patch.intensity_hu[middle, middle, middle] == volume.read_all()[0, 0, 0]
    assert patch.inside_fraction == pytest.approx(((middle + 1) / SIZE) ** 3)
    assert (patch.intensity_hu[middle + 1 :] == AIR_HU).all()  # patch axis 0 runs to the right, out of the scan


def test_only_the_slices_of_the_shown_voxels_are_read() -> None:
    volume, _ = rough_volume(np.eye(3), (0.7, 0.7, 2.5))
    asked: list[tuple[int, int]] = []

    def read_slab(k_start: int, k_stop: int) -> NDArray[np.float32]:
        asked.append((k_start, k_stop))
        return volume.read_slab(k_start, k_stop)

    watched = CTVolume(grid=volume.grid, read_slab=read_slab, source="watched")
    center = volume.grid.lps_from_voxel([15, 17, 11])
    shown = shown_voxels(box_around(center, (8, 8, 5)), center, SIZE, SPACING_MM)
    cut_patch(watched, patch_affine_ras(center, SIZE, SPACING_MM), SIZE, shown)
    assert asked == [(10, 13)]  # the box reaches 2.5 mm, one slice, to either side


@given(
    low=st.lists(st.floats(-9, -0.5), min_size=3, max_size=3),
    high=st.lists(st.floats(0.5, 9), min_size=3, max_size=3),
    center=st.lists(st.floats(-300, 300), min_size=3, max_size=3),
)
@settings(deadline=None, max_examples=50)
def test_shown_voxels_are_those_whose_centres_lie_in_the_box(
    low: list[float], high: list[float], center: list[float]
) -> None:
    box = Box(as_triple(np.add(center, low)), as_triple(np.add(center, high)))
    shown = shown_voxels(box, center, SIZE, SPACING_MM)
    points = patch_points_lps(patch_affine_ras(center, SIZE, SPACING_MM), (slice(0, SIZE),) * 3)
    is_inside = np.all((points >= np.add(center, low)) & (points <= np.add(center, high)), axis=-1)
    is_near_face = np.any(
        (np.abs(points - np.add(center, low)) < 0.01) | (np.abs(points - np.add(center, high)) < 0.01), axis=-1
    )
    is_shown = np.zeros((SIZE,) * 3, dtype=bool)
    is_shown[shown] = True
    assert (is_shown == is_inside)[~is_near_face].all()


def test_patch_of_a_turned_pose_samples_the_points_its_affine_names() -> None:
    def field_hu(points_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(points_lps_mm @ [3.0, -5.0, 7.0] + 11.0)

    grid = Grid((30, 34, 22), affine_from((-12.5, 40.0, -103.0), ORIENTATIONS["oblique"], (0.7, 0.8, 2.0)))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size_xyz], indexing="ij"), axis=-1)
    volume = volume_from_array(field_hu(grid.lps_from_voxel(index)).astype(np.float32), grid)
    pose = Pose(Rotation.from_euler("z", 40, degrees=True).as_matrix() @ np.diag([-1.1, 1.1, 1.1]), (1.0, -0.5, 0.25))
    affine_ras = patch_affine_ras(grid.lps_from_voxel([15, 17, 11]), 7, SPACING_MM, pose)

    patch = cut_patch(volume, affine_ras, 7)

    points = patch_points_lps(affine_ras, (slice(0, 7),) * 3)
    np.testing.assert_allclose(patch.intensity_hu, field_hu(points), atol=0.02)


def test_uneven_slices_are_sampled_where_they_stand() -> None:
    steps = np.asarray([0.0, 1.0, 2.5, 3.0, 5.0, 6.0])
    grid = Grid((8, 8, 6), affine_from((0, 0, 0), np.eye(3), (1, 1, 2)), slice_steps=steps)
    hu = np.broadcast_to((steps * 2 * 10).astype(np.float32), (8, 8, 6)).copy()  # 10 HU for each mm along z
    patch = cut_patch(volume_from_array(hu, grid), patch_affine_ras((4, 4, 6), 5, 1.0), 5)
    np.testing.assert_allclose(patch.intensity_hu[2, 2], [40, 50, 60, 70, 80], atol=1e-3)
    np.testing.assert_allclose(grid.voxel_from_lps(grid.lps_from_voxel([3.0, 2.0, 3.4])), [3.0, 2.0, 3.4])
