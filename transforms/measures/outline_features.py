"""What tells a nodule's voxels from those about it, seen from its point and diameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from nodulus.transforms.geometry import Triple
from nodulus.transforms.patches.neighbourhood import Neighbourhood
from nodulus.transforms.patches.nodule_facts import AERATED_HU, SMALLEST_CORE_RADIUS_MM, THIN_AIR_HU
from nodulus.transforms.volume import AIR_HU

# How far from the point, in radii of the nodule, a voxel of it may lie.
REACH_RADII = 1.8
# The lung about a nodule is looked for from its rim outward.
RING_MM = (1.0, 8.0)
FEATURES = ("distance", "density", "thinnest", "way", "core", "log_diameter", "height")

_WINDOW_HU = (AIR_HU, 400.0)
_SMOOTH_MM = 0.7
_USUAL_LUNG_HU = -850.0
_STEPS = 8  # places looked at on the way from the point to a voxel
_MIN_RING_VOXELS = 6
# A contrast that noise could make says nothing: densities are not divided by less.
_LEAST_CONTRAST_HU = 150.0


@dataclass(frozen=True, eq=False)
class OutlineFeatures:
    """What is known of the voxels that may be the nodule's.

    Args:
        may_be: which voxels of the neighbourhood these are, (x, y, z).
        values: (n, 7), a row each, in the order of ``FEATURES``: the distance from the point and the height over its
            slice in radii of the nodule; the density at the voxel (smoothed), at the thinnest place on the straight way
            to it and on average on that way, each as a part of the contrast between the core and the lung; the core's
            density in 1000 HU and the logarithm of the diameter, the same for all voxels.
        core_hu: mean of the sphere of half the diameter about the point.
        lung_hu: median of the aerated tissue about the nodule; None where there is hardly any.
    """

    may_be: NDArray[np.bool_]
    values: NDArray[np.float64]
    core_hu: float
    lung_hu: float | None


def outline_features(around: Neighbourhood, center_lps_mm: Triple, diameter_mm: float) -> OutlineFeatures | None:
    """Return what is known of the voxels about a nodule's point; None where no voxel lies near it."""
    hu = np.clip(around.intensity_hu, *_WINDOW_HU)
    grid, radius_mm = around.scan.grid, diameter_mm / 2
    voxels = np.moveaxis(np.indices(hu.shape), 0, -1)
    offset_mm = grid.lps_from_voxel(voxels + np.asarray(around.low_xyz)) - np.asarray(center_lps_mm)
    distance_mm = np.linalg.norm(offset_mm, axis=-1)
    may_be = distance_mm <= REACH_RADII * radius_mm
    if not may_be.any():
        return None
    core = distance_mm <= max(diameter_mm / 4, SMALLEST_CORE_RADIUS_MM, float(distance_mm.min()))
    core_hu, lung_hu = float(hu[core].mean()), _lung_hu(hu, distance_mm - radius_mm)
    point = grid.voxel_from_lps(center_lps_mm) - np.asarray(around.low_xyz)
    way_hu = _way_hu(hu, point, voxels[may_be])
    smooth_hu = gaussian_filter(hu, _SMOOTH_MM / np.asarray(grid.spacing_mm))[may_be]
    low_hu = _USUAL_LUNG_HU if lung_hu is None else lung_hu
    contrast_hu = max(core_hu - low_hu, _LEAST_CONTRAST_HU)
    densities = (np.stack([smooth_hu, way_hu.min(axis=1), way_hu.mean(axis=1)], axis=1) - low_hu) / contrast_hu
    normal = np.cross(grid.direction_lps[:, 0], grid.direction_lps[:, 1])
    height_mm = np.abs(offset_mm[may_be] @ (normal / np.linalg.norm(normal)))
    of_all = np.tile([core_hu / 1000, np.log(diameter_mm)], (len(densities), 1))
    columns = [distance_mm[may_be] / radius_mm, *densities.T, *of_all.T, height_mm / radius_mm]
    return OutlineFeatures(may_be, np.stack(columns, axis=1).astype(np.float64), core_hu, lung_hu)


def _lung_hu(hu: NDArray[np.float32], from_rim_mm: NDArray[np.float64]) -> float | None:
    ring_hu = hu[(from_rim_mm > RING_MM[0]) & (from_rim_mm < RING_MM[1])]
    aerated_hu = ring_hu[(ring_hu < AERATED_HU) & (ring_hu > THIN_AIR_HU)]
    return float(np.median(aerated_hu)) if len(aerated_hu) >= _MIN_RING_VOXELS else None


def _way_hu(hu: NDArray[np.float32], point: NDArray[np.float64], voxels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the densities (n, steps) on the straight ways from the point to some voxels (n, 3), both ends included."""
    parts = np.linspace(0, 1, _STEPS)
    places = point[:, None, None] + (voxels.T - point[:, None])[:, :, None] * parts
    sampled = map_coordinates(hu, places.reshape(3, -1), order=1, mode="nearest")
    return np.asarray(sampled, dtype=np.float64).reshape(-1, _STEPS)
