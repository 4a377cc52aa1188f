"""How noisy is a scan about a place, and what would more of that noise be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

# Voxels along each side of the windows, all in one slice, that are looked at.
WINDOW = 7
_STRIDE = 3
# Fewer windows than this say nothing.
_MIN_WINDOWS = 20
# The quietest fifth: what else is uneven, vessels and the texture of the lung, makes windows louder, never quieter.
_QUIET_PERCENT = 20
# Scanners cut the noise of air off at air or at -1024 HU.
_CUT_OFF_HU = -980.0

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

    It is read off the quietest windows of the slices. Windows of air that the scanner cut off, and of a constant that
    fills what was not scanned, are passed over.
    """
    windows = _windows(np.asarray(intensity_hu, dtype=np.float64))
    windows = windows[(windows.mean(axis=1) > _CUT_OFF_HU) & (np.ptp(windows, axis=1) > 0)]
    if len(windows) < _MIN_WINDOWS:
        return None
    uneven = windows - (windows @ _PLANE) @ _PLANE.T
    deviations = np.sqrt((uneven**2).sum(axis=1) / (WINDOW**2 - _PLANE.shape[1]))
    limit = float(np.percentile(deviations, _QUIET_PERCENT))
    correlation = _neighbour_correlation(uneven[deviations <= limit].reshape(-1, WINDOW, WINDOW))
    grain_px = float(np.interp(correlation, _CORRELATION, _GRAIN_PX))
    return ScanNoise(limit / float(np.interp(grain_px, _GRAIN_PX, _DEVIATION_LEFT)), grain_px)


def _windows(intensity_hu: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the windows of all slices, a row each."""
    if min(intensity_hu.shape[:2]) < WINDOW:
        return np.empty((0, WINDOW**2))
    windows = np.lib.stride_tricks.sliding_window_view(intensity_hu, (WINDOW, WINDOW), axis=(0, 1))
    return windows[::_STRIDE, ::_STRIDE].reshape(-1, WINDOW**2)


def _plane_basis() -> NDArray[np.float64]:
    """Return orthonormal columns that span all planes over a window: what tissue does slowly is no noise."""
    steps = np.arange(WINDOW, dtype=np.float64)
    x, y = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    return np.asarray(np.linalg.qr(np.column_stack([np.ones_like(x), x, y]))[0])


_PLANE = _plane_basis()


def _neighbour_correlation(uneven: NDArray[np.float64]) -> float:
    along_x = (uneven[:, 1:] * uneven[:, :-1]).mean()
    along_y = (uneven[:, :, 1:] * uneven[:, :, :-1]).mean()
    power = (uneven**2).mean()
    return float((along_x + along_y) / 2 / power) if power else 0.0
