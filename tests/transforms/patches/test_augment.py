"""Random views of a nodule: repeatable, each in the right place of the world, nothing shown outside the box."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import CacheDataset, DataLoader, MetaTensor
from monai.transforms import Compose, RandGaussianNoised
from numpy.typing import NDArray

from nodulus.transforms.geometry import Grid, affine_from, swap_lps_ras
from nodulus.transforms.patches.augment import RandNodulePatchd
from nodulus.transforms.patches.box import Box, shown_voxels
from nodulus.transforms.patches.dictionary import FillOutsideBoxd, NodulePatchd
from nodulus.transforms.patches.patch import patch_points_lps
from nodulus.transforms.volume import AIR_HU, CTVolume, volume_from_array

Item = dict[Any, Any]
CENTER_LPS_MM = (12.0, -34.0, 56.0)
DENSITY_PER_MM = np.asarray([3.0, -5.0, 7.0])
SIZE = 21


def density_hu(points_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a density that rises along one line of the world: linear interpolation of it is exact."""
    return np.asarray((points_lps_mm - np.asarray(CENTER_LPS_MM)) @ DENSITY_PER_MM)


def analytic_volume() -> CTVolume:
    """Return a scan of that density, flipped and anisotropic, 50 mm a side."""
    spacing, size = np.asarray([0.8, 0.8, 2.0]), (63, 63, 26)
    direction = np.diag([-1.0, -1.0, 1.0])
    origin = np.asarray(CENTER_LPS_MM) - direction @ (spacing * (np.asarray(size) - 1) / 2)
    grid = Grid(size, affine_from(origin.tolist(), direction, spacing.tolist()))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in size], indexing="ij"), axis=-1)
    return volume_from_array(density_hu(grid.lps_from_voxel(index)).astype(np.float32), grid)


VOLUME = analytic_volume()


def nodule(**changes: Any) -> Item:
    """Return an item with a nodule of 8 mm in the middle of the scan."""
    x, y, z = CENTER_LPS_MM
    box = (x - 5, y - 6, z - 3, x + 5, y + 4, z + 4)
    return {"image": VOLUME, "center_lps_mm": CENTER_LPS_MM, "diameter_mm": 8.0, "box_lps_mm": box} | changes


def views(seed: int, n: int = 4, **options: Any) -> list[Item]:
    transform = RandNodulePatchd("image", SIZE, 1.0, **options)
    transform.set_random_state(seed)
    return [transform(nodule()) for _ in range(n)]


def test_the_seed_decides_the_views() -> None:
    first, again, other = views(1), views(1), views(2)
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a["image"], b["image"]) for a, b in zip(first, other, strict=True))
    assert not torch.equal(first[0]["image"], first[1]["image"])


def epochs(n_workers: int) -> list[torch.Tensor]:
    """Return two epochs of augmented patches, as a data loader gives them."""
    torch.manual_seed(4)
    volume = MetaTensor(
        torch.from_numpy(VOLUME.read_all())[None], affine=torch.from_numpy(swap_lps_ras(VOLUME.grid.affine_lps))
    )
    transform = Compose([RandNodulePatchd("image", SIZE, 1.0), lambda item: item["image"].as_tensor()])
    data = CacheDataset([nodule(image=volume) for _ in range(4)], transform, progress=False)
    loader = DataLoader(data, batch_size=4, num_workers=n_workers)
    return [batch for _ in range(2) for batch in loader]


def check_that_a_loader_repeats_and_varies(n_workers: int) -> None:
    first, second = epochs(n_workers)
    assert all(torch.equal(a, b) for a, b in zip(epochs(n_workers), (first, second), strict=True))
    patches = [*first, *second]
    assert not any(torch.equal(a, b) for i, a in enumerate(patches) for b in patches[:i])


def test_a_loader_repeats_with_its_seed_and_varies_over_items_and_epochs() -> None:
    check_that_a_loader_repeats_and_varies(0)


def test_so_do_several_processes_of_a_loader() -> None:
    # They are forked, and to fork a process in which other tests have left threads and pipes may end it.
    check = f"import runpy, sys; runpy.run_path(sys.argv[1])['{check_that_a_loader_repeats_and_varies.__name__}'](2)"
    done = subprocess.run([sys.executable, "-c", check, __file__], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, np.pi), st.floats(0, 0.2), st.floats(0, 3))
def test_each_shown_voxel_holds_the_density_of_its_place_in_the_world(
    seed: int, tilt_rad: float, scale: float, shift_mm: float
) -> None:
    for item in views(seed, 2, tilt_rad=tilt_rad, scale_range=scale, shift_mm=shift_mm):
        shown = tuple(slice(int(a), int(b)) for a, b in item["shown_voxels"])
        points = patch_points_lps(item["image"].affine.numpy(), shown)  # type: ignore[arg-type]
        np.testing.assert_allclose(item["image"][0].numpy()[shown], density_hu(points), atol=0.05)


def test_a_mirrored_view_is_the_mirror_of_the_view() -> None:
    still = {"axial_turn_rad": 0.0, "scale_range": 0.0, "shift_mm": 0.0, "box_jitter_mm": (0, 0, 0)}
    plain = NodulePatchd("image", SIZE, 1.0)(nodule())["image"].as_tensor()
    flipped = views(0, 1, flip_prob=1.0, diameter_box_prob=0.0, **still)[0]["image"].as_tensor()
    # The box is off the middle and lies where the mirror put it: equal on the voxels that both show.
    turned = torch.flip(flipped, (1, 2, 3))
    both = (plain > AIR_HU) & (turned > AIR_HU)
    assert both.sum() > 300
    torch.testing.assert_close(plain[both], turned[both], atol=1e-3, rtol=0)


def test_without_augmentation_the_view_is_that_of_inference() -> None:
    plain = NodulePatchd("image", SIZE, 1.0)(nodule())
    drawn = views(0, 1, prob=0.0)[0]
    assert torch.equal(plain["image"], drawn["image"])
    assert torch.equal(plain["image"].affine, drawn["image"].affine)


def test_noise_does_not_show_outside_the_box() -> None:
    transform = Compose(
        [RandNodulePatchd("image", SIZE, 1.0), RandGaussianNoised("image", prob=1.0, std=50), FillOutsideBoxd("image")]
    )
    transform.set_random_state(5)
    for _ in range(5):
        item = transform(nodule())
        x, y, z = (slice(int(a), int(b)) for a, b in item["shown_voxels"])
        outside = torch.ones((SIZE,) * 3, dtype=torch.bool)
        outside[x, y, z] = False
        assert bool((item["image"][0][outside] == AIR_HU).all())
        assert float(item["image"][0, x, y, z].std()) > 10


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 40), st.floats(0.5, 60), st.booleans())
def test_a_jittered_box_stays_in_the_patch_and_never_turns_inside_out(
    seed: int, jitter_mm: float, diameter_mm: float, takes_diameter_box: bool
) -> None:
    transform = RandNodulePatchd(
        "image", SIZE, 1.0, box_jitter_mm=(jitter_mm,) * 3, diameter_box_prob=float(takes_diameter_box)
    )
    transform.set_random_state(seed)
    shown = transform(nodule(diameter_mm=diameter_mm))["shown_voxels"]
    assert np.all(shown >= 0)
    assert np.all(shown[:, 1] <= SIZE)
    assert np.all(shown[:, 0] <= shown[:, 1])


def test_the_diameter_box_takes_the_place_of_the_own_box() -> None:
    wide = nodule(box_lps_mm=(*(np.asarray(CENTER_LPS_MM) - 9), *(np.asarray(CENTER_LPS_MM) + 9)))
    transform = RandNodulePatchd("image", SIZE, 1.0, shift_mm=0, scale_range=0, box_jitter_mm=(0, 0, 0))
    n_shown = {int(np.prod(np.diff(transform(wide)["shown_voxels"]))) for _ in range(30)}
    own, implied = (
        int(np.prod(np.diff(NodulePatchd("image", SIZE, 1.0)(item)["shown_voxels"])))
        for item in (wide, wide | {"box_lps_mm": None})
    )
    assert n_shown == {own, implied}


@pytest.mark.parametrize("offset_mm", [0.0, 0.3, 0.5, -0.45])
def test_a_box_of_one_slice_shows_one_slice(offset_mm: float) -> None:
    x, y, z = CENTER_LPS_MM
    box = Box((x - 3, y - 3, z + offset_mm), (x + 3, y + 3, z + offset_mm))
    shown = shown_voxels(box, CENTER_LPS_MM, SIZE, 1.0)
    assert shown[2].stop - shown[2].start == 1
    assert abs(shown[2].start - SIZE // 2) <= 1


def test_a_box_beyond_the_patch_shows_nothing() -> None:
    x, y, z = CENTER_LPS_MM
    away = (x + 30, y + 30, z + 30)
    shown = shown_voxels(Box(away, away), CENTER_LPS_MM, SIZE, 1.0)
    assert all(part.start == part.stop for part in shown)
