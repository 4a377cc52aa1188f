"""Values between the voxels of a slab, interpolated along three axes."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray


def interpolate(slab: NDArray[np.float32], index: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the trilinear values (n,) of a slab (x, y, z) at fractional indices (3, n); its border holds beyond it.

    It rounds and adds as torch's ``grid_sample`` does, to the same last digit, so that scores are the same without it.
    """
    flat = np.ascontiguousarray(slab, dtype=np.float32).ravel()
    first: NDArray[np.intp] = np.zeros(index.shape[1], dtype=np.intp)
    weights: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    steps: list[int] = []
    for axis, n_voxels in enumerate(slab.shape):
        stride = int(np.prod(slab.shape[axis + 1 :]))
        below, parts = placed_along(index[axis], n_voxels)
        first += below * stride
        weights.append(parts)
        steps.append(stride if n_voxels > 1 else 0)
    values: NDArray[np.float32] = np.zeros(index.shape[1], dtype=np.float32)
    for x, y, z in product((0, 1), repeat=3):
        corner = flat[x * steps[0] + y * steps[1] + z * steps[2] :].take(first)
        corner *= weights[2][z] * weights[1][y] * weights[0][x]
        values += corner
    return values


def placed_along(
    index: NDArray[np.float64], n_voxels: int
) -> tuple[NDArray[np.intp], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return the voxel below each fractional index along an axis, and the parts of it and of the one above."""
    normalised = (index * (2 / max(n_voxels - 1, 1)) - 1).astype(np.float32)
    place = np.clip((normalised + 1) * np.float32((n_voxels - 1) / 2), 0, n_voxels - 1)
    below = np.minimum(place.astype(np.intp), max(n_voxels - 2, 0))
    start = below.astype(np.float32)
    return below, ((start + 1) - place, place - start)
