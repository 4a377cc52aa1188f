"""How good is a map: does its heat lie on the nodule, and does the score fall when the heat is taken away?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from scipy.ndimage import binary_dilation
from scipy.stats import rankdata

from .methods import AIR, Map, blurred
from .views import View

# Parts of the shown voxels that are deleted; most is decided early.
FRACTIONS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BLOB_MM = 2.0
Bools = NDArray[np.bool_]


def heat_of(values: Map, is_shown: Bools) -> Map:
    """Return what speaks for malignancy among the shown voxels, 0 elsewhere."""
    return np.where(is_shown, np.clip(values, 0, None), 0).astype(np.float32)


def share_within(heat: Map, is_nodule: Bools) -> float:
    """Return the part of the heat that lies in the mask; 0 of a map without heat."""
    total = float(heat.sum(dtype=np.float64))
    return float(heat[is_nodule].sum(dtype=np.float64)) / total if total > 0 else 0.0


def points_at(heat: Map, is_nodule: Bools) -> bool:
    """Return whether the hottest voxel lies in the mask or touches it; a map without heat points nowhere."""
    near = binary_dilation(is_nodule, np.ones((3, 3, 3)))
    return bool(heat.max() > 0 and near[np.unravel_index(int(heat.argmax()), heat.shape)])


def rank_correlation(one: Map, other: Map, where: Bools) -> float:
    """Return Spearman's correlation of two maps over some voxels; 0 where one is constant."""
    a, b = (rankdata(values[where]) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def fall_by_deletion(
    margin: Callable[[torch.Tensor], torch.Tensor], view: View, values: Map, random: np.random.Generator
) -> float:
    """Return how far the margin falls, mean over the part deleted, when shown voxels become air, the highest first.

    Args:
        margin: of patches (n, 1, x, y, z), (n, 1).
        view: what is deleted from.
        values: the map, with its sign.
        random: breaks ties.
    """
    shown = np.flatnonzero(view.is_shown)
    order = shown[np.lexsort((random.random(len(shown)), -values.ravel()[shown]))]
    patches = view.patch.expand(len(FRACTIONS), -1, -1, -1, -1).clone()
    flat = patches.view(len(FRACTIONS), -1)
    for row, fraction in enumerate(FRACTIONS):
        flat[row, torch.from_numpy(order[: round(fraction * len(order))])] = AIR
    margins = margin(patches).double().numpy().ravel()
    return float(trapezoid(margins[0] - margins, FRACTIONS))


def random_map(view: View, random: np.random.Generator, blur_mm: float) -> Map:
    """Return noise, of single voxels or of blobs."""
    return blurred(random.standard_normal(view.is_shown.shape), blur_mm / view.spacing_mm)
