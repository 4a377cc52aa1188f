"""How noisy is a scan about a place, and what would more of that noise be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nodulus.transforms.patches.scan_grain import scan_grain

# What the quietest windows measure of noise whose grain is known: white noise, smoothed within its slices by a Gaussian
# of so many pixels. Simulated (six seeds, 10 slices of 120 x 120): the correlation of neighbours, and the part of the
# noise's deviation, that are left once the windows' planes are taken out.
_GRAIN_PX = (0.0, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2)
_CORRELATION = (-0.057, -0.005, 0.106, 0.236, 0.426, 0.520, 0.571)
_DEVIATION_LEFT = (0.907, 0.898, 0.868, 0.818, 0.713, 0.625, 0.544)


@dataclass(frozen=True)
class ScanNoise:
    """The noise of a scan about a place.

    Args:
        deviation_hu: its standard deviation.
        grain_px: how far it is correlated within a slice, as if white noise had been smoothed by a Gaussian of so many
            pixels; none from slice to slice.
    """

    deviation_hu: float
    grain_px: float

    def realisation(self, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float32]:
        """Return noise of this kind, drawn anew: (x, y, z), Hounsfield units."""
        white = random.standard_normal(shape, dtype=np.float32)
        if self.grain_px == 0:
            return np.asarray(white * np.float32(self.deviation_hu), dtype=np.float32)
        impulse = np.zeros((17, 17))
        impulse[8, 8] = 1
        left = np.sqrt((gaussian_filter(impulse, self.grain_px) ** 2).sum())
        smooth = gaussian_filter(white, (self.grain_px, self.grain_px, 0), mode="wrap")
        return np.asarray(smooth * np.float32(self.deviation_hu / left), dtype=np.float32)


def scan_noise(intensity_hu: NDArray[np.floating[Any]]) -> ScanNoise | None:
    """Return the noise of some voxels (x, y, z) in Hounsfield units, None where too few of them are even.

    It is read off the quietest windows of the slices (``scan_grain``).
    """
    grain = scan_grain(intensity_hu)
    if not grain.is_told:
        return None
    grain_px = float(np.interp(grain.near_correlation, _CORRELATION, _GRAIN_PX))
    return ScanNoise(grain.quiet_hu / float(np.interp(grain_px, _GRAIN_PX, _DEVIATION_LEFT)), grain_px)
