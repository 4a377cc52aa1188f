"""What is known of a patient beside the image, as numbers that a model can take; what is not known is NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .brock import known_factors

# What users name, and the numbers that each becomes. Of three types the solid is what the others are compared with.
COVARIATES: Mapping[str, tuple[str, ...]] = {
    "age": ("age_years",),
    "sex": ("male",),
    "emphysema": ("emphysema",),
    "family_history": ("family_history",),
    "lobe": ("upper_lobe",),
    "type": ("part_solid", "non_solid"),
    "count": ("nodule_count",),
}
COLUMNS = tuple(column for columns in COVARIATES.values() for column in columns)
# The key of a work item, and of a data list's item for a network, that holds these numbers.
PATIENT = "patient"


def patient_facts(attributes: Mapping[str, object]) -> dict[str, float]:
    """Return every number of ``COLUMNS``; NaN where the attributes do not tell it, or tell it in no way understood.

    Args:
        attributes: of a nodule, by the columns that the Brock model reads (age, sex, emphysema, lobe, ...).

    >>> facts = patient_facts({"patient_age": "064Y", "sex": "M", "nodule_type": "solid"})
    >>> facts["age_years"], facts["male"], facts["part_solid"], facts["upper_lobe"]
    (64.0, 1.0, 0.0, nan)
    """
    known = known_factors({name: "" if value is None else str(value) for name, value in attributes.items()})
    as_they_are = ("age_years", "emphysema", "family_history", "upper_lobe", "nodule_count")
    told: dict[str, float] = {name: float(known[name]) for name in as_they_are if name in known}
    if "sex" in known:
        told["male"] = float(known["sex"] == "M")
    if "nodule_type" in known:
        kind = known["nodule_type"]
        told |= {"part_solid": float(kind == "part-solid"), "non_solid": float(kind == "non-solid")}
    return {column: told.get(column, math.nan) for column in COLUMNS}


def is_known(covariate: str, facts: Mapping[str, float]) -> bool:
    """Return whether the numbers of a covariate are known."""
    return all(not math.isnan(facts.get(column, math.nan)) for column in COVARIATES[covariate])
