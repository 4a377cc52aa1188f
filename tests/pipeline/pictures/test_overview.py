"""The overview is hung as a radiograph, and its spot is where the nodule is, however the scan's axes run."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from nodulus.pipeline.pictures.overview import overview_of
from nodulus.transforms.geometry import Grid
from nodulus.transforms.volume import CTVolume, volume_from_array

BALL_LPS_MM = np.array([40.0, 10.0, 30.0])  # on the patient's left, above the middle


def scan(order: tuple[int, ...], signs: tuple[int, ...]) -> CTVolume:
    """Return a cube of air with one dense ball; its array axes run along LPS axes in an order and direction."""
    n, spacing_mm = 60, 3.0
    affine = np.eye(4)
    affine[:3, :3] = 0
    for array_axis, (lps_axis, sign) in enumerate(zip(order, signs, strict=True)):
        affine[lps_axis, array_axis] = sign * spacing_mm
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, (n - 1) / 2)
    grid = Grid((n, n, n), affine)
    points = grid.lps_from_voxel(np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1))
    hu = np.where(np.linalg.norm(points - BALL_LPS_MM, axis=-1) < 14, 400, -1000)
    return volume_from_array(hu.astype(np.float32), grid)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_the_spot_is_where_the_scan_is_bright(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    volume = scan(order, signs)
    overview = overview_of(volume)
    down, across = np.unravel_index(overview.brightness.argmax(), overview.brightness.shape)
    bright = ((across + 0.5) / overview.brightness.shape[1], (down + 0.5) / overview.brightness.shape[0])
    spot = overview.place_of(volume.grid.voxel_from_lps(BALL_LPS_MM))
    assert spot == pytest.approx((0.5 + 40 / 180, 0.5 - 30 / 180), abs=1e-6)
    assert spot == pytest.approx(bright, abs=0.06)
    assert overview.size_mm == pytest.approx((180, 180))


def test_few_slices_are_read() -> None:
    volume, asked = scan((0, 1, 2), (1, 1, 1)), []

    def read_slab(k_start: int, k_stop: int) -> np.ndarray:
        asked.append(k_start)
        return volume.read_slab(k_start % 60, k_start % 60 + k_stop - k_start)

    long = Grid((60, 60, 600), volume.grid.affine_lps)
    overview_of(CTVolume(long, read_slab, "ct"))
    assert len(asked) <= 64
