"""Does a nodule lie there at all? How much a place's shape and surroundings are those of nodules."""

from __future__ import annotations

import math
from dataclasses import asdict, fields

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from nodulus.pipeline.records import Record
from nodulus.transforms.patches.nodule_facts import NoduleFacts
from nodulus.transforms.patches.nodule_shape import HU_RANGE, NoduleShape

# What is looked at, in this order; all of it is measured on the patch, nothing comes from the network.
MEASURES = ("log_diameter", "core_hu", *(part.name for part in fields(NoduleShape)))
# Standard deviations; the products of what lies further out would say more than anything that was fitted.
_FURTHEST = 4.0


class LikenessFit(Record):
    """What a likeness was fitted to, and where its limit comes from.

    Args:
        data_hash: of the data list whose training split gave the nodules and whose validation split the limit.
        nodules: of the training split.
        scans: names of the scans that gave the places without a nodule.
        places: of these scans.
        flagged_max: part of the validation nodules, seen through two boxes, that may lie below the limit.
    """

    data_hash: str
    nodules: int
    scans: tuple[str, ...]
    places: int
    flagged_max: float


class PatchShape(Record):
    """How the patch was cut that the measures are of, as the config says it."""

    patch_size: tuple[int, ...]
    patch_spacing_mm: tuple[float, ...]
    margin_mm: tuple[float, ...]


class NoduleLikeness(Record):
    """The log odds of a nodule, of measures, their squares and their products: nodules against places without one.

    They are no odds that hold anywhere: they depend on how many places, and which, were shown for each nodule.

    Args:
        mean: of each of ``MEASURES``; ``scale`` is the standard deviation.
        coefficients: of the measures so scaled, then of their products: 1 x 1, 1 x 2, ..., 2 x 2, ...
        intercept: added to the sum.
        log_odds_min: what has less is flagged.
        patch: that the measures are of.
        fitted_on: nodules and places.
    """

    measures: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    log_odds_min: float
    patch: PatchShape
    fitted_on: LikenessFit

    @model_validator(mode="after")
    def _check(self) -> NoduleLikeness:
        if self.measures != MEASURES:
            msg = f"expected the measures {', '.join(MEASURES)}, got {', '.join(self.measures) or 'none'}"
            raise ValueError(msg)
        n = len(MEASURES)
        found = (len(self.mean), len(self.scale), len(self.coefficients))
        if found != (n, n, n * (n + 3) // 2) or min(self.scale) <= 0:
            msg = f"expected {n} means, {n} scales above 0 and {n * (n + 3) // 2} coefficients, got {found}"
            raise ValueError(msg)
        return self

    def log_odds(self, facts: NoduleFacts) -> float | None:
        """Return the log odds of a nodule at a place; None where the scan covers too little of it to tell."""
        row = measures_of(facts)
        if not np.isfinite(row).all():
            return None
        terms = with_products((row - np.asarray(self.mean)) / np.asarray(self.scale))
        return float(terms @ np.asarray(self.coefficients)) + self.intercept


def measures_of(facts: NoduleFacts) -> NDArray[np.float64]:
    """Return the measures of a place, in the order of ``MEASURES``."""
    core_hu = min(max(facts.core_hu, HU_RANGE[0]), HU_RANGE[1])
    return np.asarray([math.log(facts.diameter_mm), core_hu, *asdict(facts.shape).values()])


def with_products(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scaled measures (..., n) and their products, (..., n + n (n + 1) / 2)."""
    near = np.clip(scaled, -_FURTHEST, _FURTHEST)
    first, second = np.triu_indices(near.shape[-1])
    return np.concatenate([near, near[..., first] * near[..., second]], axis=-1)
