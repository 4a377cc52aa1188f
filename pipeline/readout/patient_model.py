"""The image score and what is known of the patient together: one logistic regression on top of the calibrated logit."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import Field, field_validator

from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.estimate import Estimate

from .patient_facts import COLUMNS, COVARIATES, is_known

# What a model may look at beside the covariates: the natural logarithm of the diameter in mm.
SIZE = "size"
LOG_DIAMETER = "log_diameter_mm"


class PatientTerm(Record):
    """One number of the regression.

    Args:
        mean: over the nodules that it is known of; a nodule of which it is not known counts as one of the mean.
        slope: what it adds to the logit per unit, with the bootstrap interval of the patients.
    """

    mean: float
    slope: Estimate

    def adds(self, value: float) -> float:
        """Return what a value adds to the logit; of one that is not known (NaN) nothing."""
        return 0.0 if math.isnan(value) else self.slope.value * (value - self.mean)


class PatientModel(Record):
    """The logit of malignancy as ``intercept + slope * image + sum of term.slope * (value - term.mean)``.

    Args:
        intercept: of the regression.
        slope: of the calibrated logit of the image.
        terms: by name: ``log_diameter_mm``, and the numbers of ``patient_facts``.
        covariates: that the terms are of, as users name them; without any there is no patient to speak of.
        auc_gain: AUC less that of the image alone, both out of fold, on the same nodules.
        log_loss_gain: log loss of the image alone less that of the model, both out of fold; above 0 it helps.
    """

    intercept: float
    slope: float
    terms: dict[str, PatientTerm]
    covariates: tuple[str, ...] = Field(min_length=1)
    auc_gain: Estimate
    log_loss_gain: Estimate

    @field_validator("terms")
    @classmethod
    def _check_terms(cls, terms: dict[str, PatientTerm]) -> dict[str, PatientTerm]:
        if unknown := sorted(set(terms) - {LOG_DIAMETER, *COLUMNS}):
            msg = f"expected terms of {LOG_DIAMETER}, {', '.join(COLUMNS)}, got {unknown[0]}"
            raise ValueError(msg)
        return terms

    @field_validator("covariates")
    @classmethod
    def _check_covariates(cls, covariates: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(covariates) - set(COVARIATES)):
            msg = f"expected covariates of {', '.join(COVARIATES)}, got {unknown[0]}"
            raise ValueError(msg)
        return covariates

    def known(self, facts: Mapping[str, float]) -> tuple[str, ...]:
        """Return which of the covariates are known of a nodule's patient."""
        return tuple(name for name in self.covariates if is_known(name, facts))

    def logit(self, image_logit: float, diameter_mm: float, facts: Mapping[str, float]) -> float:
        """Return the logit of malignancy of a nodule."""
        values = {**facts, LOG_DIAMETER: math.log(diameter_mm)}
        return (
            self.intercept
            + self.slope * image_logit
            + math.fsum(map(self._adds, self.terms, map(values.get, self.terms)))
        )

    def _adds(self, name: str, value: float | None) -> float:
        term = self.terms[name]
        return 0.0 if value is None or math.isnan(value) else term.slope.value * (value - term.mean)


class PatientUse(Record):
    """Whether what is known of the patient entered a score.

    Args:
        used: the covariates that did; none where the score is the image's alone, since none was given.
        missing: those that the model knows and nobody gave; where others were, they count as the average.
        image_alone: probability of malignancy without the patient, at the same prevalence.
    """

    used: tuple[str, ...]
    missing: tuple[str, ...]
    image_alone: float = Field(ge=0, le=1)

    @property
    def in_words(self) -> str:
        """What was done, in words that stand beside a score."""
        lacking = ", ".join(self.missing)
        if not self.used:
            return f"image alone: the model of image and patient asks for {lacking}, and none was given"
        average = f", {lacking} not given and taken as average" if self.missing else ""
        return f"image and patient together: {', '.join(self.used)}{average}"
