"""How large is what a mask holds: volume, long and short axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from nodulus.transforms.geometry import Affine


@dataclass(frozen=True)
class Extent:
    """The size of a nodule.

    Args:
        volume_mm3: of all its voxels.
        long_axis_mm: the longest distance across it within one slice, from edge to edge of the pixels.
        short_axis_mm: its width in that slice, at a right angle to the long axis.
    """

    volume_mm3: float
    long_axis_mm: float
    short_axis_mm: float


def extent_of(mask: NDArray[np.bool_], affine_lps: Affine) -> Extent:
    """Return the size of a mask (x, y, z) that holds something, on a grid of equal distances between slices."""
    axes = [_axes_mm(mask[:, :, k], affine_lps) for k in np.flatnonzero(mask.any(axis=(0, 1)))]
    long_axis_mm, short_axis_mm = max(axes)
    volume_mm3 = float(mask.sum()) * abs(float(np.linalg.det(affine_lps[:3, :3])))
    return Extent(volume_mm3, long_axis_mm, short_axis_mm)


def _axes_mm(slice_mask: NDArray[np.bool_], affine_lps: Affine) -> tuple[float, float]:
    """Return the long axis of a slice's mask and the width at a right angle to it."""
    padded = np.pad(slice_mask, 1)
    rim = np.argwhere(padded & ~binary_erosion(padded))
    places_mm = rim @ affine_lps[:3, :2].T
    pixel_mm = float(np.linalg.norm(affine_lps[:3, :2], axis=0).mean())
    if len(places_mm) == 1:
        return pixel_mm, pixel_mm
    # By numpy: scipy.spatial takes longer to load than all nodules of a scan take to measure.
    between_mm = np.sqrt(((places_mm[:, None] - places_mm) ** 2).sum(axis=2))
    a, b = np.unravel_index(int(np.argmax(between_mm)), between_mm.shape)
    along = (places_mm[b] - places_mm[a]) / between_mm[a, b]
    normal = np.cross(affine_lps[:3, 0], affine_lps[:3, 1])
    across = np.cross(normal / np.linalg.norm(normal), along)
    width_mm = float(np.ptp(places_mm @ across))
    return float(between_mm[a, b]) + pixel_mm, width_mm + pixel_mm
