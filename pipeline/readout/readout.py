"""What is read out of a network's raw outputs for one nodule; neither torch nor MONAI is needed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nodulus.transforms.patches.nodule_facts import NoduleFacts

from .additive import ScoreParts, take_apart
from .calibration import Calibration, logistic
from .characteristics import CHARACTERISTICS, CLASSES
from .training_range import Reason, reasons_outside


@dataclass(frozen=True)
class Readout:
    """What a calibration makes of one nodule's raw outputs.

    Args:
        malignant: calibrated probability of malignancy.
        size_only: what the diameter alone would give, calibrated on the same nodules.
        above: for each operating point by name, whether ``malignant`` reaches its threshold.
        characteristics: predicted ratings by name, on the LIDC scales.
        outside: why the nodule is unlike those that trained the network; empty where it is like them.
        parts: the score as a sum; None where the calibration holds none.
    """

    malignant: float
    size_only: float
    above: Mapping[str, bool]
    characteristics: Mapping[str, float]
    outside: tuple[Reason, ...]
    parts: ScoreParts | None = None


def read_out(calibration: Calibration, logits: Sequence[float], facts: NoduleFacts) -> Readout:
    """Return what a calibration makes of one nodule's raw outputs, in the order of ``characteristics.OUTPUTS``."""
    malignant = calibration.malignant(logits)
    characteristics = predicted_ratings(logits)
    additive, logit = calibration.additive, calibration.malignant_logit(logits)
    return Readout(
        malignant=malignant,
        size_only=calibration.malignant_by_size(facts.diameter_mm),
        above={point.name: malignant >= point.threshold for point in calibration.operating_points},
        characteristics=characteristics,
        outside=reasons_outside(facts, np.asarray(logits, dtype=np.float64), calibration.training_range),
        parts=None if additive is None else take_apart(additive, logit, characteristics, facts.diameter_mm),
    )


def predicted_ratings(logits: Sequence[float]) -> dict[str, float]:
    """Return the predicted mean rating of each characteristic on its LIDC scale."""
    return {
        name: scale.rating_of(logistic(float(logit)))
        for (name, scale), logit in zip(CHARACTERISTICS.items(), logits[len(CLASSES) :], strict=True)
    }
