"""Each change does to a crop what its name says, and moves nothing in space."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.robustness.changes import CHANGES, enhanced, noisy, sharp, soft, thick
from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.volume import CTVolume, volume_from_array

OBLIQUE = np.array([[0.96, 0.28, 0.0], [-0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])


def ball(
    slice_mm: float, n_slices: int = 24, center_lps_mm: tuple[float, float, float] = (12.0, 3.0, 40.0)
) -> CTVolume:
    """Return a scan of a ball of 12 mm in lung."""
    affine = affine_from((-8.0, -5.0, 26.0), OBLIQUE, (0.8, 0.8, slice_mm))
    grid = Grid((40, 36, n_slices), affine)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size_xyz], indexing="ij"), axis=-1)
    away_mm = np.linalg.norm(grid.lps_from_voxel(index) - center_lps_mm, axis=-1)
    return volume_from_array(np.where(away_mm < 6, 40.0, -850.0).astype(np.float32), grid)


def middle_lps_mm(volume: CTVolume) -> NDArray[np.float64]:
    """Return the centre of mass of what is brighter than lung."""
    voxels = volume.read_all() + 850.0
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.grid.size_xyz], indexing="ij"), axis=-1)
    return np.asarray((volume.grid.lps_from_voxel(index) * voxels[..., None]).sum(axis=(0, 1, 2)) / voxels.sum())


@pytest.mark.parametrize("name", [name for name, change in CHANGES.items() if change])
@pytest.mark.parametrize("seed", range(4))
def test_no_change_moves_the_nodule(name: str, seed: int) -> None:
    change = CHANGES[name]
    assert change is not None
    plain = ball(1.25)
    changed = change(plain, np.random.default_rng(seed))
    away_mm = middle_lps_mm(changed) - middle_lps_mm(plain)
    assert np.linalg.norm(away_mm) < (1.0 if "slices" in name or "noise" in name else 0.1)


def test_noise_has_its_standard_deviation() -> None:
    plain = ball(1.25)
    more = noisy(plain, np.random.default_rng(0), 50).read_all() - plain.read_all()
    assert more.std() == pytest.approx(50, rel=0.02)


def test_soft_kernels_blur_the_plane_alone_and_sharp_ones_undo_it() -> None:
    plain, random = ball(2.5), np.random.default_rng(0)
    assert soft(plain, random, 1.2).read_all().std() < plain.read_all().std()
    np.testing.assert_allclose(
        soft(plain, random, 1.2).read_all().mean(axis=(0, 1)), plain.read_all().mean(axis=(0, 1)), atol=2.0
    )
    assert np.ptp(sharp(plain, random, 1.0).read_all()) > np.ptp(plain.read_all())


def test_contrast_agent_leaves_lung_alone() -> None:
    plain = ball(1.25)
    changed = enhanced(plain, np.random.default_rng(0), 40).read_all()
    is_lung = plain.read_all() < -100
    assert (changed[is_lung] == plain.read_all()[is_lung]).all()
    assert (changed[~is_lung] == plain.read_all()[~is_lung] + 40).all()


@pytest.mark.parametrize(("slice_mm", "wanted_mm", "n"), [(1.25, 5.0, 4), (2.5, 5.0, 2), (1.0, 3.0, 3)])
def test_thick_slices_are_means_of_thin_ones(slice_mm: float, wanted_mm: float, n: int) -> None:
    plain = ball(slice_mm)
    changed = thick(plain, np.random.default_rng(1), wanted_mm)
    assert changed.grid.spacing_mm[2] == pytest.approx(n * slice_mm)
    voxels = plain.read_all()
    for k in range(1, changed.grid.size_xyz[2] - 1):
        place = plain.grid.voxel_from_lps(changed.grid.lps_from_voxel([0, 0, k]))[2]
        first = round(place - (n - 1) / 2)
        if first >= 0 and first + n <= voxels.shape[2]:
            expected = voxels[:, :, first : first + n].mean(axis=2)
            np.testing.assert_allclose(changed.read_all()[:, :, k], expected, atol=0.01)


def test_slices_that_are_thick_already_stay() -> None:
    plain = ball(5.0, n_slices=8)
    assert thick(plain, np.random.default_rng(0), 5.0) is plain
