"""The textures of a phantom: what tissue is uneven by itself, and what the scanner adds."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .grid import Field, Place

CELL_MM = 3.2
N_CELLS = 64  # the pattern repeats after 205 mm, which nobody sees in a noise


class TissueTexture:
    """Noise that belongs to the patient: fixed in LPS millimetres, whatever grid looks at it."""

    def __init__(self, random: np.random.Generator) -> None:
        white = random.standard_normal((N_CELLS,) * 3, dtype=np.float32)
        fine = _unit(ndimage.gaussian_filter(white, 0.55, mode="wrap"))
        coarse = _unit(ndimage.gaussian_filter(white, 2.6, mode="wrap"))
        self._pattern = _unit(0.85 * fine + 0.55 * coarse)

    def __call__(self, place: Place, cell_mm: float = CELL_MM) -> Field:
        """Noise of mean 0 and standard deviation about 1 at a set of voxels.

        Args:
            place: Where; flat, as from `Place.where`.
            cell_mm: Size of the finest blob.
        """
        coordinates = np.stack([place.x_mm, place.y_mm, place.z_mm]) / np.float32(cell_mm)
        sampled = ndimage.map_coordinates(self._pattern, coordinates, order=1, mode="grid-wrap", output=np.float32)
        return np.asarray(sampled)


class ScannerNoise:
    """Noise of the scanner, correlated within a slice as reconstruction leaves it; slices are drawn in order."""

    def __init__(self, random: np.random.Generator, deviation_hu: float) -> None:
        self._random = random
        self._deviation_hu = deviation_hu
        impulse = np.zeros((17, 17), dtype=np.float32)
        impulse[8, 8] = 1
        self._gain = 1 / float(np.sqrt((_correlated(impulse[None]) ** 2).sum()))

    def add_to(self, hu: Field) -> None:
        """Adds noise to a slab, (z, y, x), in place."""
        if self._deviation_hu > 0:
            white = self._random.standard_normal(hu.shape, dtype=np.float32)
            hu += np.float32(self._deviation_hu * self._gain) * _correlated(white)


def _correlated(white: Field) -> Field:
    return np.asarray(ndimage.gaussian_filter(white, (0, 0.7, 0.7), mode="wrap", truncate=3.0))


def _unit(pattern: Field) -> Field:
    return np.asarray((pattern - pattern.mean()) / pattern.std(), dtype=np.float32)
