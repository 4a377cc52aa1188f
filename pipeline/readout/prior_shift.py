"""From the share of malignant nodules that probabilities were calibrated on to another share, by Bayes' rule."""

from __future__ import annotations

import math

from pydantic import Field

from nodulus.pipeline.records import Record
from nodulus.transforms.problems import UsageError


class PrevalenceShift(Record):
    """A prior shift: the odds of a probability times the odds of the prevalence asked for, over those of the old one.

    It is right where only the share of malignant nodules differs: malignant nodules look like malignant nodules there,
    and benign like benign. It leaves every order, and so every AUC, alone.

    Args:
        asked: share of malignant nodules where the scores are to be read.
        calibrated: share of malignant nodules among the labelled ones that the calibration was fitted to.
    """

    asked: float = Field(gt=0, lt=1)
    calibrated: float = Field(gt=0, lt=1)

    @property
    def in_logits(self) -> float:
        """What is added to a logit."""
        return logit_of(self.asked) - logit_of(self.calibrated)

    def probability(self, probability: float) -> float:
        """Return a probability at the prevalence asked for; 0 and 1, and a threshold beyond them, stay as they are.

        >>> round(PrevalenceShift(asked=0.01, calibrated=0.5).probability(0.5), 6)
        0.01
        """
        if not 0 < probability < 1:
            return probability
        gained, lost = self.asked / self.calibrated, (1 - self.asked) / (1 - self.calibrated)
        return probability * gained / (probability * gained + (1 - probability) * lost)

    @property
    def in_words(self) -> str:
        """What it is, in words that stand beside a score."""
        return (
            f"at a prevalence of {percent(self.asked)} malignant nodules, by Bayes' rule from the"
            f" {percent(self.calibrated)} of the nodules that it was calibrated on"
        )


def percent(share: float) -> str:
    """Return a share as per cent with three digits.

    >>> percent(0.01), percent(0.475177)
    ('1 %', '47.5 %')
    """
    return f"{100 * share:.3g} %"


def logit_of(probability: float) -> float:
    """Return the logit of a probability between 0 and 1."""
    return math.log(probability) - math.log1p(-probability)


def check_prevalence(prevalence: float | None) -> float | None:
    """Return a prevalence as it is.

    Raises:
        UsageError: it is no share between 0 and 1.
    """
    if prevalence is not None and not 0 < prevalence < 1:
        raise UsageError(f"Expected a prevalence above 0 and below 1, such as 0.01, got {prevalence:g}")
    return prevalence
