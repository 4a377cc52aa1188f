"""A whole scan on a grid along the patient's axes, for networks that were trained on one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Affine, Grid, swap_lps_ras_points
from nodulus.transforms.volume import CTVolume, volume_from_array

from .patch import sample_range

# A block of this many voxels keeps what is computed of their positions to some hundred megabytes.
_BLOCK_VOXELS = 2**20


def patient_axes(grid: Grid, spacing_mm: Sequence[float]) -> tuple[tuple[int, int, int], Affine]:
    """Return size and RAS affine of the grid along right, anterior and superior that holds a scan's voxel centres.

    Its first voxel lies on the lowest of the scan's corners, as in MONAI's Orientation("RAS") and Spacing, which for a
    scan along the patient's axes give the same grid. Of an oblique scan it is the larger grid around it.
    """
    last = np.asarray(grid.size_xyz) - 1
    corners = swap_lps_ras_points(grid.lps_from_voxel([last * np.asarray(ends) for ends in product((0, 1), repeat=3)]))
    low_mm, high_mm = corners.min(axis=0), corners.max(axis=0)
    x, y, z = (np.round((high_mm - low_mm) / np.asarray(spacing_mm)).astype(int) + 1).tolist()
    affine_ras = np.diag([*map(float, spacing_mm), 1.0])
    affine_ras[:3, 3] = low_mm
    return (x, y, z), affine_ras


def resample_to_patient_axes(volume: CTVolume, spacing_mm: Sequence[float]) -> tuple[NDArray[np.float32], Affine]:
    """Return a scan's Hounsfield units (x, y, z) on the grid along the patient's axes, and its RAS affine (mm).

    One linear resampling; what the scan does not cover is air. The whole scan is read.
    """
    size_xyz, affine_ras = patient_axes(volume.grid, spacing_mm)
    # Read once: of an oblique scan every block needs most slices.
    held = volume_from_array(volume.read_all(), volume.grid, volume.source)
    intensity_hu = np.empty(size_xyz, dtype=np.float32)
    n_x, n_y, n_z = size_xyz
    step = max(1, _BLOCK_VOXELS // (n_x * n_y))
    for start in range(0, n_z, step):
        block = (slice(0, n_x), slice(0, n_y), slice(start, min(start + step, n_z)))
        intensity_hu[block], _ = sample_range(held, affine_ras, block)
    return intensity_hu, affine_ras
