"""Fits the outline's model to the readers' outlines of training patients, and writes it as a module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.places import ROOT
from nodulus.pipeline.files import write_text
from nodulus.transforms.measures.outline import VoxelModel
from nodulus.transforms.measures.outline_features import FEATURES, outline_features

from .crops import Crop

MODULE = ROOT / "transforms" / "measures" / "outline_model.py"
# The likeliest number of voxels of a nodule and what lies about it; more of one nodule tell little more.
VOXELS_EACH = 400
# What a second reader's point and diameter differ by.
POINT_SD_MM, SIZE_SD = 0.5, 0.1

Sample = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]


def fit(crops: Sequence[Crop], seed: int = 0) -> VoxelModel:
    """Return the model of the outlines of some nodules.

    Every nodule counts the same, whatever its size, and is looked at twice: as its table says, and with its crop
    extended and its point and diameter disturbed.
    """
    samples = list(_samples(crops, np.random.default_rng(seed)))
    values, is_nodule, weight = (np.concatenate(part) for part in zip(*samples, strict=True))
    mean, scale = values.mean(axis=0), values.std(axis=0)
    terms = quadratic_terms((values - mean) / scale)
    model = LogisticRegression(max_iter=1000).fit(terms, is_nodule, sample_weight=weight / weight.mean())
    mean, scale, coefficients = (tuple(map(float, each)) for each in (mean, scale, model.coef_[0]))
    return VoxelModel(mean=mean, scale=scale, coefficients=coefficients, intercept=float(model.intercept_[0]))


def write_model(model: VoxelModel) -> None:
    """Write the module that holds a model."""
    write_text(MODULE, module_text(model))


def quadratic_terms(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns (n, k) with their squares and products behind them, 1 x 1, 1 x 2, ..., k x k."""
    first, second = np.triu_indices(values.shape[1])
    return np.concatenate([values, values[:, first] * values[:, second]], axis=1)


def _samples(crops: Sequence[Crop], random: np.random.Generator) -> Iterator[Sample]:
    for crop in crops:
        disturbed = crop.extended().asked(random.normal(0, POINT_SD_MM, 3).tolist(), np.exp(random.normal(0, SIZE_SD)))
        for each in (crop, disturbed):
            features = outline_features(each.around, each.center_lps_mm, each.diameter_mm)
            if features is not None:
                yield _sample(features.values, each.is_nodule[features.may_be], int(each.is_nodule.sum()), random)


def _sample(
    values: NDArray[np.float64], is_nodule: NDArray[np.bool_], n_nodule: int, random: np.random.Generator
) -> Sample:
    n = min(VOXELS_EACH, len(values))
    chosen = random.choice(len(values), n, replace=False)
    return values[chosen], is_nodule[chosen], np.full(n, len(values) / n / n_nodule)


def module_text(model: VoxelModel) -> str:
    """Return the text of the module that holds a model, its numbers to five digits."""
    coefficients = model.coefficients
    lines = [
        '"""The outline\'s model: written by `python -m benchmarks.volume fit`, which fits it to training patients."""',
        "",
        f"# Of the features {', '.join(FEATURES)}.",
        f"MEAN = ({_numbers(model.mean)})",
        f"SCALE = ({_numbers(model.scale)})",
        "# Of the features, less their mean and over their scale, then of their products: 1 x 1, 1 x 2, ..., 7 x 7.",
        "COEFFICIENTS = (",
        *(f"    {_numbers(coefficients[k : k + 7])}," for k in range(0, len(coefficients), 7)),
        ")",
        f"INTERCEPT = {model.intercept:.5g}",
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.5g}" for value in values)
