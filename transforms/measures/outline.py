"""Which voxels are the nodule's, as radiologists would outline it: from its point and its diameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, label
from scipy.special import expit

from nodulus.transforms.geometry import Triple
from nodulus.transforms.patches.neighbourhood import Neighbourhood, read_neighbourhood
from nodulus.transforms.volume import CTVolume

from .outline_features import REACH_RADII, RING_MM, OutlineFeatures, outline_features
from .outline_model import COEFFICIENTS, INTERCEPT, MEAN, SCALE

# Of the probabilities, the one that gives the best overlap on the training patients, and no bias of the volume.
THRESHOLD = 0.4


@dataclass(frozen=True)
class VoxelModel:
    """A logistic function of the features of a voxel, their squares and their products.

    Args:
        mean: of each feature; ``scale`` is its standard deviation.
        coefficients: of the features so scaled, then of their products: 1 x 1, 1 x 2, ..., 7 x 7.
        intercept: added to their sum.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float


FITTED = VoxelModel(MEAN, SCALE, COEFFICIENTS, INTERCEPT)


@dataclass(frozen=True, eq=False)
class Outline:
    """A nodule's voxels.

    Args:
        around: the part of the scan that was looked at.
        is_nodule: which of its voxels are the nodule's, (x, y, z).
        expected_dice: overlap with the readers' outline that the voxels' own probabilities promise, 0 to 1.
        core_hu: density about the point.
        lung_hu: of the lung about the nodule, None where there is hardly any.
    """

    around: Neighbourhood
    is_nodule: NDArray[np.bool_]
    expected_dice: float
    core_hu: float
    lung_hu: float | None


def outline(scan: CTVolume, center_lps_mm: Triple, diameter_mm: float) -> Outline | None:
    """Return the nodule's outline; None where no voxel of the scan lies near the point, or none looks like a nodule.

    Raises:
        InputRefusedError: a slice that it needs cannot be read.
    """
    half_mm = max(REACH_RADII * diameter_mm / 2, diameter_mm / 2 + RING_MM[1])
    flat_mm = REACH_RADII * diameter_mm / 2  # along the body: as few slices as can be
    reach_mm = np.array([half_mm, half_mm, flat_mm])
    low, high = (np.asarray(center_lps_mm) + sign * reach_mm for sign in (-1, 1))
    around = read_neighbourhood(scan, (*low.tolist(), *high.tolist()))
    return outline_in(around, center_lps_mm, diameter_mm)


def outline_in(
    around: Neighbourhood, center_lps_mm: Triple, diameter_mm: float, model: VoxelModel = FITTED
) -> Outline | None:
    """Return the outline of a nodule in voxels that were read already."""
    features = outline_features(around, center_lps_mm, diameter_mm)
    if features is None:
        return None
    probability = np.zeros(features.may_be.shape)
    probability[features.may_be] = voxel_probability(features, model)
    point = around.scan.grid.voxel_from_lps(center_lps_mm) - np.asarray(around.low_xyz)
    is_nodule = _part_at(probability >= THRESHOLD, point)
    if not is_nodule.any():
        return None
    certain = 2 * float(probability[is_nodule].sum()) / (float(is_nodule.sum()) + float(probability.sum()))
    return Outline(around, is_nodule, certain, features.core_hu, features.lung_hu)


def voxel_probability(features: OutlineFeatures, model: VoxelModel = FITTED) -> NDArray[np.float64]:
    """Return the probability (n,) of each voxel to lie within the readers' outline."""
    values = (features.values - np.asarray(model.mean)) / np.asarray(model.scale)
    n = values.shape[1]
    products = np.zeros((n, n))
    products[np.triu_indices(n)] = model.coefficients[n:]
    logits = values @ np.asarray(model.coefficients[:n]) + ((values @ products) * values).sum(axis=1) + model.intercept
    return np.asarray(expit(logits))


def _part_at(mask: NDArray[np.bool_], point: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the connected part nearest to a place, its holes filled."""
    parts, n_parts = label(mask)
    if n_parts == 0:
        return mask
    places = np.argwhere(mask)
    nearest = places[np.argmin(((places - point) ** 2).sum(axis=1))]
    return np.asarray(binary_fill_holes(parts == parts[tuple(nearest)]), dtype=np.bool_)
