"""The grain of voxels whose noise is known, and where about a nodule it is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nodulus.transforms.geometry import Grid
from nodulus.transforms.patches.nodule_patch import NodulePatch, PatchCutter
from nodulus.transforms.patches.scan_grain import UNTOLD_GRAIN, scan_grain
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode
from nodulus.transforms.volume import CTVolume, volume_from_array

Voxels = NDArray[np.float32]
SIZE = (60, 56, 20)
SPACING_MM = (0.8, 0.8, 2.0)
CENTER = (24.0, 22.4, 20.0)
CUTTER = PatchCutter((65, 65, 33), (0.5, 0.5, 1.0))


def noise(deviation_hu: float = 30.0, kernel_px: float = 0.0, seed: int = 0) -> Voxels:
    white = np.random.default_rng(seed).standard_normal(SIZE)
    smooth = gaussian_filter(white, (kernel_px, kernel_px, 0), mode="wrap")
    return np.asarray(-850 + deviation_hu * smooth / smooth.std(), dtype=np.float32)


def scan(voxels: Voxels) -> CTVolume:
    return volume_from_array(voxels, Grid(SIZE, np.diag([*SPACING_MM, 1.0])), "scan.nii.gz")


def cut(volume: CTVolume, center: Sequence[float] = CENTER, diameter_mm: float = 8.0) -> NodulePatch:
    return CUTTER.cut_item({"image": volume, "center_lps_mm": center, "diameter_mm": diameter_mm})


@pytest.mark.parametrize("deviation_hu", [10.0, 40.0, 160.0])
def test_of_white_noise_neighbours_are_not_alike(deviation_hu: float) -> None:
    found = scan_grain(noise(deviation_hu))
    assert found.near_correlation == pytest.approx(-0.05, abs=0.03)
    assert found.far_correlation == pytest.approx(-0.05, abs=0.03)
    assert 0.85 * deviation_hu < found.quiet_hu < deviation_hu


def test_the_softer_the_kernel_the_more_are_neighbours_alike() -> None:
    found = [scan_grain(noise(kernel_px=kernel_px)) for kernel_px in (0.0, 0.5, 0.8, 1.2, 1.8)]
    assert np.all(np.diff([grain.near_correlation for grain in found]) > 0.01)
    assert np.all(np.diff([grain.far_correlation for grain in found[2:]]) > 0.01)


def test_what_tissue_does_slowly_and_what_stands_out_change_little() -> None:
    plain = noise(kernel_px=0.6)
    busy = plain + np.linspace(0, 200, SIZE[0], dtype=np.float32)[:, None, None]
    busy[20:30, 20:30, 5:15] += 800
    found, quiet = scan_grain(busy), scan_grain(plain)
    assert found.quiet_hu == pytest.approx(quiet.quiet_hu, rel=0.03)
    assert found.near_correlation == pytest.approx(quiet.near_correlation, abs=0.03)


@pytest.mark.parametrize(
    "voxels",
    [np.full(SIZE, -850.0), np.full(SIZE, -1000.0) + noise(10.0) + 850, noise()[:6], noise()[:9, :9, :2]],
    ids=["a constant", "air", "narrower than a window", "too few windows"],
)
def test_where_nothing_even_is_scanned_nothing_is_told(voxels: Voxels) -> None:
    assert not scan_grain(voxels).is_told


def test_a_patch_tells_the_grain_of_the_slices_that_it_is_cut_from_and_5_mm_more_across() -> None:
    voxels = noise(kernel_px=0.6)
    grain = cut(scan(voxels)).grain
    # The box of 8 mm and its margin reach from 15 to 33 and from 13.4 to 31.4 mm, 5 mm more are looked at: voxels 12 to
    # 48 and 10 to 46. The slices are those from 16 to 24 mm; what is not theirs may be anything.
    assert grain.is_told
    other = noise(300.0, 1.5, seed=5)
    other[11:49, 9:47, 7:14] = voxels[11:49, 9:47, 7:14]
    assert cut(scan(other)).grain == grain
    other[14:44, 12:42, 8:12] = noise(300.0, 1.5, seed=6)[14:44, 12:42, 8:12]
    assert cut(scan(other)).grain != grain


def test_patch_and_grain_are_of_one_reading_of_the_slices_that_the_patch_needs() -> None:
    volume, read = scan(noise()), []

    def read_box(low: Sequence[int], high: Sequence[int]) -> Voxels:
        read.append((low[2], high[2]))
        return volume.read_region(low, high)

    found = cut(replace(volume, read_box=read_box))
    alone = CUTTER.cut(replace(volume, read_box=read_box), CENTER, CUTTER.box(CENTER, 8.0, None))
    assert found.grain.is_told
    assert len(read) == 2
    assert read[0] == read[1]
    np.testing.assert_array_equal(found.patch.intensity_hu, alone.patch.intensity_hu)
    assert found.patch.inside_fraction == alone.patch.inside_fraction


def test_what_cannot_be_read_beside_the_patch_refuses_no_patch() -> None:
    volume, read = scan(noise()), []

    def read_box(low: Sequence[int], high: Sequence[int]) -> Voxels:
        read.append(low)
        if len(read) == 1:
            raise InputRefusedError(Problem(ProblemCode.UNREADABLE, "gone"))
        return volume.read_region(low, high)

    found = cut(replace(volume, read_box=read_box))
    assert found.grain == UNTOLD_GRAIN
    assert found.facts((0.5, 0.5, 1.0), 8.0).grain == UNTOLD_GRAIN


@pytest.mark.parametrize("center", [(24.0, 22.4, 500.0), (-300.0, 22.4, 20.0)])
def test_of_a_place_outside_of_the_scan_nothing_is_told(center: tuple[float, float, float]) -> None:
    assert cut(scan(noise()), center).grain == UNTOLD_GRAIN


def test_the_facts_hold_it_as_numbers() -> None:
    facts = cut(scan(noise(kernel_px=0.6))).facts((0.5, 0.5, 1.0), 8.0)
    assert facts.grain.is_told
    assert type(facts).of_numbers(facts.numbers()).grain == facts.grain
