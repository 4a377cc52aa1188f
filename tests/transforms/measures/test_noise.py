"""The scan's noise about a place: found where it is known, whatever tissue lies around."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nodulus.transforms.measures.noise import ScanNoise, scan_noise

SHAPE = (48, 48, 8)


def noise_of(deviation_hu: float, grain_px: float, seed: int) -> NDArray[np.float32]:
    """Return noise made here, not by the code under test: smoothed over a wider field, scaled to its own deviation."""
    white = np.random.default_rng(seed).normal(size=(96, 96, SHAPE[2]))
    smooth = gaussian_filter(white, (grain_px, grain_px, 0)) if grain_px else white
    return np.asarray((smooth / smooth.std() * deviation_hu)[:48, :48], dtype=np.float32)


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("grain_px", [0.0, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("deviation_hu", [8.0, 30.0, 60.0])
def test_the_deviation_and_grain_of_even_tissue_are_found(deviation_hu: float, grain_px: float, seed: int) -> None:
    found = scan_noise(-800 + noise_of(deviation_hu, grain_px, seed))
    assert found is not None
    assert found.deviation_hu == pytest.approx(deviation_hu, rel=0.15)
    assert found.grain_px == pytest.approx(grain_px, abs=0.35 if grain_px == 0 else 0.15)


@pytest.mark.parametrize("deviation_hu", [15.0, 40.0])
def test_a_nodule_a_vessel_and_a_slope_are_no_noise(deviation_hu: float) -> None:
    x, y, z = np.indices(SHAPE)
    tissue = np.where((x - 24) ** 2 + (y - 24) ** 2 + (z - 4) ** 2 < 64, 40.0, -850.0) + 0.8 * x
    tissue[30:33] = 0
    found = scan_noise(tissue + noise_of(deviation_hu, 0.7, 5))
    assert found is not None
    assert found.deviation_hu == pytest.approx(deviation_hu, rel=0.3)


@pytest.mark.parametrize(
    "hu",
    [
        np.full(SHAPE, -1000.0),
        np.full(SHAPE, -2000.0),
        np.zeros((4, 4, 8)),
        np.zeros((20, 20, 1)),
        np.full(SHAPE, -1000.0) + np.abs(noise_of(10, 0.5, 3)),
    ],
    ids=["air", "fill", "narrow", "constant", "air_cut_off"],
)
def test_where_nothing_even_was_scanned_no_noise_is_claimed(hu: NDArray[np.float32]) -> None:
    assert scan_noise(hu) is None


@pytest.mark.parametrize("grain_px", [0.0, 0.5, 1.0])
def test_what_is_drawn_is_found_again(grain_px: float) -> None:
    noise = ScanNoise(25.0, grain_px)
    drawn = noise.realisation((64, 64, 10), np.random.default_rng(1))
    assert drawn.std() == pytest.approx(25.0, rel=0.05)
    found = scan_noise(drawn - 500)
    assert found is not None
    assert found.deviation_hu == pytest.approx(25.0, rel=0.15)
    assert np.array_equal(drawn, noise.realisation((64, 64, 10), np.random.default_rng(1)))
    assert abs(np.corrcoef(drawn[:, :, 0].ravel(), drawn[:, :, 1].ravel())[0, 1]) < 0.1
