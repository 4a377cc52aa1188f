"""The outline of nodules whose size is known, and why one is not believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from nodulus.transforms.geometry import Grid, Triple, affine_from, swap_lps_ras
from nodulus.transforms.measures.extent import extent_of
from nodulus.transforms.measures.outline import outline
from nodulus.transforms.measures.trust import doubt_about
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume, volume_from_array

SHAPE = (56, 56, 32)
DIRECTIONS = {
    "axial": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "coronal": np.asarray([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "oblique": Rotation.from_euler("xyz", [12, -20, 35], degrees=True).as_matrix(),
}


def chest(
    diameter_mm: float, at: Triple = (28, 28, 16), direction: str = "axial", hu: float = 30, vessel: bool = False
) -> tuple[CTVolume, Triple]:
    """Return a ball in lung, blurred and noisy as in a scan, and its centre; with a vessel through it if asked."""
    grid = Grid(SHAPE, affine_from((-12, 40, -103), DIRECTIONS[direction], (0.75, 0.75, 1.25)))
    x, y, z = grid.lps_from_voxel(at).tolist()
    places = grid.lps_from_voxel(np.moveaxis(np.indices(SHAPE), 0, -1)) - (x, y, z)
    inside = np.linalg.norm(places, axis=-1) < diameter_mm / 2
    if vessel:
        inside |= np.hypot(places[..., 1], places[..., 2]) < 1.5
    blurred = gaussian_filter(np.where(inside, hu, -860.0), (0.9, 0.9, 0.6))
    noise = gaussian_filter(np.random.default_rng(3).normal(0, 40, SHAPE), (0.6, 0.6, 0))
    return volume_from_array((blurred + noise).astype(np.float32), grid), (x, y, z)


def volume_mm3(scan: CTVolume, center: Triple, diameter_mm: float) -> float:
    found = outline(scan, center, diameter_mm)
    assert found is not None
    extent = extent_of(found.is_nodule, scan.grid.affine_lps)
    assert doubt_about(found, extent, diameter_mm) is None
    return extent.volume_mm3


@pytest.mark.parametrize("diameter_mm", [5.0, 8.0, 12.0, 18.0])
@pytest.mark.parametrize("hu", [-400.0, 30.0])
def test_a_ball_has_the_volume_that_readers_would_outline(diameter_mm: float, hu: float) -> None:
    """Readers' outlines hold the blurred rim: their diameter is about 1.12 times the table's."""
    scan, center = chest(diameter_mm, hu=hu)
    readers_mm3 = np.pi / 6 * (1.12 * diameter_mm) ** 3
    assert volume_mm3(scan, center, diameter_mm) == pytest.approx(readers_mm3, rel=0.35)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_volume_is_the_same_however_the_scan_lies(direction: str) -> None:
    expected = volume_mm3(*chest(9.0), 9.0)
    assert volume_mm3(*chest(9.0, direction=direction), 9.0) == pytest.approx(expected, rel=0.08)


def test_the_outline_is_where_the_nodule_is_not_where_the_point_is() -> None:
    scan, center = chest(10.0)
    found = outline(scan, (center[0] + 1.0, center[1], center[2]), 10.0)
    assert found is not None
    places = scan.grid.lps_from_voxel(np.argwhere(found.is_nodule) + np.asarray(found.around.low_xyz))
    assert np.abs(places.mean(axis=0) - center).max() < 0.6


def test_a_vessel_is_left_out() -> None:
    plain = volume_mm3(*chest(9.0), 9.0)
    scan, center = chest(9.0, vessel=True)
    assert volume_mm3(scan, center, 9.0) == pytest.approx(plain, rel=0.3)
    found = outline(scan, center, 9.0)
    assert found is not None
    assert extent_of(found.is_nodule, scan.grid.affine_lps).long_axis_mm < 15


@pytest.mark.parametrize("wrong", [0.8, 1.25])
def test_a_wrong_diameter_costs_less_than_it_is_wrong_by(wrong: float) -> None:
    scan, center = chest(9.0)
    found = outline(scan, center, 9.0 * wrong)
    assert found is not None
    ratio = extent_of(found.is_nodule, scan.grid.affine_lps).volume_mm3 / volume_mm3(scan, center, 9.0)
    assert min(wrong**3, 1) < ratio < max(wrong**3, 1)


def doubts(scan: CTVolume, center: Triple, diameter_mm: float) -> str | None:
    found = outline(scan, center, diameter_mm)
    if found is None:
        return "none"
    return doubt_about(found, extent_of(found.is_nodule, scan.grid.affine_lps), diameter_mm)


def test_a_nodule_that_the_scan_cuts_off_is_doubted() -> None:
    scan, center = chest(12.0, at=(28, 28, 2))
    assert "the scan cuts off" in (doubts(scan, center, 12.0) or "")


def test_uneven_slices_are_doubted() -> None:
    scan, center = chest(9.0)
    uneven = Grid(SHAPE, scan.grid.affine_lps, np.r_[np.arange(31.0), 32.0])
    assert "equal distances" in (doubts(replace(scan, grid=uneven), center, 9.0) or "")
    assert "equal distances" in (doubts(replace(scan, gaps_k=(15,)), center, 9.0) or "")
    assert doubts(replace(scan, gaps_k=(0,)), center, 9.0) is None


def test_plain_lung_and_plain_tissue_are_doubted() -> None:
    scan, center = chest(9.0, hu=-860)
    assert "denser than the lung" in (doubts(scan, center, 9.0) or "")
    solid = volume_from_array(np.full(SHAPE, 40, dtype=np.float32), scan.grid)
    assert "lung about the nodule" in (doubts(solid, center, 9.0) or "")


@pytest.mark.parametrize("stated_mm", [4.0, 30.0])
def test_a_diameter_of_another_nodule_is_doubted(stated_mm: float) -> None:
    scan, center = chest(10.0)
    assert doubts(scan, center, stated_mm) is not None


def test_a_point_beside_the_scan_has_no_outline() -> None:
    scan, center = chest(9.0)
    assert outline(scan, (center[0] + 500, center[1], center[2]), 9.0) is None


KNOWN = {
    "LIDC-IDRI-0001_R_1": ((56.208, 86.343, -115.868), 23.351),
    "LIDC-IDRI-0003_R_2": ((72.287, 76.900, -190.459), 21.454),
    "LIDC-IDRI-0003_R_3": ((23.491, -47.634, -172.279), 8.8),
    "LIDC-IDRI-0003_R_4": ((-47.403, -30.171, -169.624), 12.8),
}


@pytest.mark.parametrize("nodule", KNOWN)
def test_in_whole_scans_the_outline_is_the_readers(data_dir: Path, nodule: str) -> None:
    """These patients trained nothing; their crops' masks are laid over what was found in the whole scan."""
    scan = open_ct(data_dir / "lidc_dicom" / f"{nodule[:14]}.zip")
    found = outline(scan, *KNOWN[nodule])
    assert found is not None
    mask = nib.load(data_dir / "lidc_nodules" / "masks" / f"{nodule}.nii.gz")
    theirs = places_of(np.asarray(mask.dataobj) > 0, Grid(mask.shape, swap_lps_ras(mask.affine)), scan.grid)
    ours = {tuple(place) for place in (np.argwhere(found.is_nodule) + np.asarray(found.around.low_xyz)).tolist()}
    assert 2 * len(ours & theirs) / (len(ours) + len(theirs)) > 0.7


def places_of(mask: NDArray[np.bool_], grid: Grid, scan: Grid) -> set[tuple[int, ...]]:
    """Return the voxels of a scan that a mask on a crop's grid holds."""
    places = scan.voxel_from_lps(grid.lps_from_voxel(np.argwhere(mask)))
    return {tuple(place) for place in np.rint(places).astype(int).tolist()}
