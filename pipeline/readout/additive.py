"""A score as a sum that can be followed: what each predicted characteristic and the size add, and what is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import field_validator

from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.estimate import Estimate

from .characteristics import CHARACTERISTICS

SIZE = "size"
TERMS = (*CHARACTERISTICS, SIZE)


class Term(Record):
    """One term of the sum.

    Args:
        average: of its value over the nodules that the model was fitted to.
        slope: what it adds to the logit per unit above the average.
    """

    average: float
    slope: float


class AdditiveModel(Record):
    """The calibrated logit of malignancy as a sum over the predicted characteristics and the size.

    Args:
        average_logit: of the nodules that it was fitted to.
        terms: by name, those of ``TERMS``; the size is the natural logarithm of the diameter in mm.
        explained: share of the logit's variance that the sum explains, in nodules of patients that it was not fitted
            to (R squared, cross-validated by patient), with the bootstrap interval of the patients.
    """

    average_logit: float
    terms: dict[str, Term]
    explained: Estimate

    @field_validator("terms")
    @classmethod
    def _check(cls, terms: dict[str, Term]) -> dict[str, Term]:
        if set(terms) != set(TERMS):
            msg = f"expected the terms {', '.join(TERMS)}, got {', '.join(terms) or 'none'}"
            raise ValueError(msg)
        return terms


@dataclass(frozen=True)
class ScoreParts:
    """A nodule's calibrated logit, taken apart: ``average``, ``parts`` and ``remainder`` add up to it.

    Args:
        logit: of the calibrated probability of malignancy.
        average: the logit of the average nodule.
        parts: what each term adds, by name.
        remainder: what the sum does not explain of this nodule.
        explained: share of the variance that the model explains in nodules that it was not fitted to.
    """

    logit: float
    average: float
    parts: Mapping[str, float]
    remainder: float
    explained: Estimate


def term_values(characteristics: Mapping[str, float], diameter_mm: float) -> dict[str, float]:
    """Return the value of each term of a nodule: its predicted ratings, and the natural logarithm of its diameter."""
    return {name: characteristics[name] for name in CHARACTERISTICS} | {SIZE: math.log(diameter_mm)}


def take_apart(
    model: AdditiveModel, logit: float, characteristics: Mapping[str, float], diameter_mm: float
) -> ScoreParts:
    """Return what each term adds to a nodule's logit, and what is left."""
    values = term_values(characteristics, diameter_mm)
    parts = {name: model.terms[name].slope * (values[name] - model.terms[name].average) for name in TERMS}
    remainder = logit - model.average_logit - math.fsum(parts.values())
    return ScoreParts(logit, model.average_logit, parts, remainder, model.explained)
