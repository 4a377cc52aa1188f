"""How grainy is a scan about a place: how strong is its noise, and how much are neighbouring voxels alike in it?"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Affine, apply_affine, swap_lps_ras
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.volume import CTVolume

from .box import VoxelRange
from .neighbourhood import Neighbourhood

# Voxels along each side of the windows, all in one slice, that are looked at.
WINDOW = 7
_STRIDE = 3
# Fewer windows than this say nothing.
_MIN_WINDOWS = 20
# The quietest fifth: what else is uneven, vessels and the texture of the lung, makes windows louder, never quieter.
_QUIET_PERCENT = 20
# Scanners cut the noise of air off at air or at -1024 HU.
_CUT_OFF_HU = -980.0
# Even tissue lies about a nodule rather than in it. LIDC-IDRI's crops end 10 mm beyond the box, the patch 5 mm.
_BEYOND_SHOWN_MM = 5.0


@dataclass(frozen=True)
class ScanGrain:
    """The quietest windows of a scan about a place, once the plane through each is taken out; NaN where none tells.

    Args:
        quiet_hu: standard deviation that the quietest fifth of the windows does not exceed. The plane takes some of
            the noise with it, the more the coarser its grain.
        near_correlation: of voxels beside each other within a slice.
        far_correlation: of voxels two apart. A soft kernel makes both high, a sharp one may make them negative.
    """

    quiet_hu: float = np.nan
    near_correlation: float = np.nan
    far_correlation: float = np.nan

    @property
    def is_told(self) -> bool:
        """Whether there was enough to look at."""
        return all(math.isfinite(number) for number in astuple(self))


UNTOLD_GRAIN = ScanGrain()


def scan_grain(intensity_hu: NDArray[np.floating[Any]]) -> ScanGrain:
    """Return the grain of some voxels (x, y, z) in Hounsfield units; untold where too few of them are even.

    Windows of air that the scanner cut off, and of a constant that fills what was not scanned, are passed over.
    """
    windows = _windows(np.asarray(intensity_hu, dtype=np.float64))
    windows = windows[(windows.mean(axis=1) > _CUT_OFF_HU) & (np.ptp(windows, axis=1) > 0)]
    if len(windows) < _MIN_WINDOWS:
        return UNTOLD_GRAIN
    uneven = windows - (windows @ _PLANE) @ _PLANE.T
    deviations = np.sqrt((uneven**2).sum(axis=1) / (WINDOW**2 - _PLANE.shape[1]))
    limit = float(np.percentile(deviations, _QUIET_PERCENT))
    quiet = uneven[deviations <= limit].reshape(-1, WINDOW, WINDOW)
    return ScanGrain(limit, _correlation(quiet, 1), _correlation(quiet, 2))


def read_with_grain(volume: CTVolume, affine_ras: Affine, shown: VoxelRange) -> tuple[CTVolume, ScanGrain]:
    """Return the scan, what lies about a patch's shown voxels held in memory, and the grain of what is held.

    So the patch is cut from the same reading: decoding slices is most of the work. They are the slices that the patch
    needs; within them 5 mm more are read on each side. Where that lies outside of the scan, or cannot be read, the scan
    stays as it is and its grain untold: whoever cuts the patch says what is wrong with its own part.

    Args:
        volume: the scan.
        affine_ras: 4x4 voxel-to-RAS affine of the patch, mm.
        shown: the patch's shown voxels.
    """
    corners = apply_affine(swap_lps_ras(affine_ras), list(product(*((part.start, part.stop - 1) for part in shown))))
    voxels = volume.grid.voxel_from_lps(corners)
    beyond = np.append(_BEYOND_SHOWN_MM / np.asarray(volume.grid.spacing_mm[:2]), 0.0)
    low = np.maximum(np.floor(voxels.min(axis=0) - beyond), 0).astype(int)
    high = np.minimum(np.floor(voxels.max(axis=0) + beyond) + 2, volume.grid.size_xyz).astype(int)
    if (low >= high).any() or any(part.stop <= part.start for part in shown):
        return volume, UNTOLD_GRAIN
    try:
        intensity_hu = volume.read_region(low.tolist(), high.tolist())
    except InputRefusedError:
        return volume, UNTOLD_GRAIN
    x, y, z = low.tolist()
    return Neighbourhood(volume, intensity_hu, (x, y, z)).as_scan(), scan_grain(intensity_hu)


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


def _correlation(uneven: NDArray[np.float64], n_apart: int) -> float:
    along_x = (uneven[:, n_apart:] * uneven[:, :-n_apart]).mean()
    along_y = (uneven[:, :, n_apart:] * uneven[:, :, :-n_apart]).mean()
    power = (uneven**2).mean()
    return float((along_x + along_y) / 2 / power) if power else 0.0
