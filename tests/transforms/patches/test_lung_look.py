"""What one slice tells of a place: a ball in lung is a nodule, plain lung, tissue and the air outside are none."""

from __future__ import annotations

import numpy as np
import pytest

from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.patches.lung_look import look_at
from nodulus.transforms.volume import CTVolume, volume_from_array

LUNG_HU, TISSUE_HU, OUTSIDE_HU = -850, 40, -1000
NODULE, PLAIN_LUNG, TISSUE, OUTSIDE = (0.0, 0.0, 0.0), (0.0, 28.0, 0.0), (-36.0, 0.0, 0.0), (50.0, 0.0, 0.0)


def scan(direction: tuple[int, int, int] = (1, 1, 1), nodule_hu: float = 20) -> CTVolume:
    """Return a body of lung between tissue and outer air, with a ball of 10 mm in the lung; anisotropic voxels."""
    size, spacing_mm = np.array([80, 60, 24]), np.array([1.5, 2.0, 2.5])
    origin_mm = -np.asarray(direction) * spacing_mm * (size - 1) / 2
    grid = Grid((80, 60, 24), affine_from(origin_mm.tolist(), np.diag(direction), spacing_mm.tolist()))
    points = grid.lps_from_voxel(np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1))
    hu = np.full(tuple(size), LUNG_HU, dtype=np.float32)
    hu[points[..., 0] < -20] = TISSUE_HU
    hu[points[..., 0] > 35] = OUTSIDE_HU
    hu[np.linalg.norm(points, axis=-1) <= 5] = nodule_hu
    return volume_from_array(hu, grid)


@pytest.mark.parametrize("direction", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)])
def test_only_the_ball_is_a_nodule(direction: tuple[int, int, int]) -> None:
    volume = scan(direction)
    found = look_at(volume, NODULE, 10)
    assert found is not None
    assert found.core_hu == pytest.approx(20, abs=1)
    assert found.lung_fraction > 0.9
    assert found.is_nodule_in_lung
    assert not found.is_no_nodule
    for place in (PLAIN_LUNG, TISSUE, OUTSIDE):
        look = look_at(volume, place, 10)
        assert look is not None
        assert look.is_no_nodule, place
        assert not look.is_nodule_in_lung, place


def test_ground_glass_is_neither_clear_nor_excluded() -> None:
    look = look_at(scan(nodule_hu=-600), NODULE, 10)
    assert look is not None
    assert (look.is_nodule_in_lung, look.is_no_nodule) == (False, False)


def test_outside_the_scan_there_is_nothing_to_see() -> None:
    assert look_at(scan(), (500.0, 0.0, 0.0), 10) is None


@pytest.mark.parametrize("corner", [(0, 0, 0), (79, 59, 23)])
def test_at_the_edge_of_the_scan_only_what_is_there_is_read(corner: tuple[int, int, int]) -> None:
    volume = scan()
    assert look_at(volume, volume.grid.lps_from_voxel(corner), 30) is not None


def test_one_slice_is_read() -> None:
    volume, asked = scan(), []

    def read_slab(k_start: int, k_stop: int) -> np.ndarray:
        asked.append(k_stop - k_start)
        return volume.read_slab(k_start, k_stop)

    look_at(CTVolume(volume.grid, read_slab, "ct"), NODULE, 20)
    assert asked == [1]
