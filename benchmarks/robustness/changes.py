"""Crops of real scans, changed as another scanner or protocol would have: noise, kernel, dose of contrast, slices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter1d

from nodulus.transforms.geometry import Grid
from nodulus.transforms.volume import CTVolume, volume_from_array

Voxels = NDArray[np.float32]
Change = Callable[[CTVolume, np.random.Generator], CTVolume]
# Of soft tissue; lung is left as it is.
_SOFT_TISSUE_HU = -100.0


def noisy(volume: CTVolume, random: np.random.Generator, noise_hu: float) -> CTVolume:
    """Return a scan with white noise of a standard deviation (HU) more."""
    voxels = volume.read_all()
    return _with(volume, voxels + random.normal(0, noise_hu, voxels.shape))


def soft(volume: CTVolume, _: np.random.Generator, blur_mm: float) -> CTVolume:
    """Return a scan blurred in the slice plane, by a Gaussian of a standard deviation (mm)."""
    return _with(volume, _blurred(volume, blur_mm))


def sharp(volume: CTVolume, _: np.random.Generator, gain: float) -> CTVolume:
    """Return a scan whose detail below 0.7 mm, noise and edges alike, is raised by a gain."""
    voxels = volume.read_all()
    return _with(volume, voxels + gain * (voxels - _blurred(volume, 0.7)))


def enhanced(volume: CTVolume, _: np.random.Generator, more_hu: float) -> CTVolume:
    """Return a scan whose soft tissue is brighter by some HU, as after contrast agent."""
    voxels = volume.read_all()
    return _with(volume, np.where(voxels > _SOFT_TISSUE_HU, voxels + more_hu, voxels))


def thick(volume: CTVolume, random: np.random.Generator, slice_mm: float) -> CTVolume:
    """Return a scan in slices of a thickness and distance (mm), each the mean of the ones that it spans.

    Where the slices begin is drawn at random. Beyond the crop, which holds a slice at most above and below the nodule,
    its last slice goes on: more of the same, where a scan would show lung.
    """
    voxels, grid = volume.read_all(), volume.grid
    step_mm = float(grid.spacing_mm[2])
    if slice_mm <= step_mm:
        return volume
    span = max(1, round(slice_mm / step_mm))
    padded = np.pad(voxels, ((0, 0), (0, 0), (span, span)), mode="edge")
    mean = uniform_filter1d(padded, span, axis=2, mode="nearest")
    first = int(random.integers(0, span))
    kept = mean[:, :, first::span]
    affine_lps = grid.affine_lps.copy()
    affine_lps[:3, 3] += affine_lps[:3, 2] * (first - span + (0.0 if span % 2 else -0.5))
    affine_lps[:3, 2] *= span
    x, y, z = kept.shape
    return volume_from_array(np.ascontiguousarray(kept, dtype=np.float32), Grid((x, y, z), affine_lps), volume.source)


CHANGES: dict[str, Change | None] = {
    "as it is": None,
    "noise of 25 HU more": partial(noisy, noise_hu=25),
    "noise of 50 HU more": partial(noisy, noise_hu=50),
    "noise of 100 HU more": partial(noisy, noise_hu=100),
    "softer kernel (0.7 mm)": partial(soft, blur_mm=0.7),
    "softer kernel (1.2 mm)": partial(soft, blur_mm=1.2),
    "sharper kernel (gain 1)": partial(sharp, gain=1.0),
    "sharper kernel (gain 2)": partial(sharp, gain=2.0),
    "soft tissue 40 HU brighter": partial(enhanced, more_hu=40),
    "slices of 3 mm": partial(thick, slice_mm=3.0),
    "slices of 5 mm": partial(thick, slice_mm=5.0),
}


def _blurred(volume: CTVolume, blur_mm: float) -> Voxels:
    spacing_mm = volume.grid.spacing_mm
    sigmas = (blur_mm / spacing_mm[0], blur_mm / spacing_mm[1], 0)
    return np.asarray(gaussian_filter(volume.read_all(), sigmas, mode="nearest"))


def _with(volume: CTVolume, voxels_hu: NDArray[np.floating]) -> CTVolume:
    """Return a scan on the same grid with other voxels, whole Hounsfield units as a scanner stores them."""
    whole = np.clip(np.rint(voxels_hu), -1024, 3071).astype(np.float32)
    return volume_from_array(whole, volume.grid, volume.source)
