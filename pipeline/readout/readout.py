"""What is read out of a network's raw outputs for one nodule; neither torch nor MONAI is needed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nodulus.transforms.patches.nodule_facts import NoduleFacts

from .additive import ScoreParts, take_apart
from .calibration import Calibration, logistic
from .characteristics import CHARACTERISTICS, CLASSES
from .patient_facts import PATIENT
from .patient_model import PatientModel, PatientUse
from .prior_shift import PrevalenceShift
from .training_range import Reason, reasons_outside

# The key of a work item that holds the prevalence at which its scores are to be read.
PREVALENCE = "prevalence"


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
        prevalence: which other prevalence the probabilities are of; None where they are as calibrated.
        patient: whether what is known of the patient entered; None where the calibration knows of no patients.
    """

    malignant: float
    size_only: float
    above: Mapping[str, bool]
    characteristics: Mapping[str, float]
    outside: tuple[Reason, ...]
    parts: ScoreParts | None = None
    prevalence: PrevalenceShift | None = None
    patient: PatientUse | None = None


def read_out(
    calibration: Calibration,
    logits: Sequence[float],
    facts: NoduleFacts,
    patient: Mapping[str, float] | None = None,
    prevalence: float | None = None,
) -> Readout:
    """Return what a calibration makes of one nodule's raw outputs.

    The calls are made before the prevalence shifts anything: a threshold was chosen for its sensitivity and
    specificity, which do not depend on how many nodules are malignant.

    Args:
        calibration: of the weights.
        logits: in the order of ``characteristics.OUTPUTS``.
        facts: what the patch held.
        patient: what is known of the patient, as ``patient_facts`` tells it.
        prevalence: share of malignant nodules where the scores are to be read; None leaves them as calibrated.
    """
    image_logit = calibration.malignant_logit(logits)
    model, known = calibration.patient, patient or {}
    used = () if model is None else model.known(known)
    logit = model.logit(image_logit, facts.diameter_mm, known) if model is not None and used else image_logit
    malignant = logistic(logit)
    characteristics = predicted_ratings(logits)
    shift = None
    if prevalence is not None:
        shift = PrevalenceShift(asked=prevalence, calibrated=calibration.fitted_on.prevalence)
    return Readout(
        malignant=_shifted(malignant, shift),
        size_only=_shifted(calibration.malignant_by_size(facts.diameter_mm), shift),
        above={point.name: malignant >= point.threshold for point in calibration.operating_points},
        characteristics=characteristics,
        outside=reasons_outside(facts, np.asarray(logits, dtype=np.float64), calibration.training_range),
        parts=_parts(calibration, image_logit, logit, characteristics, facts.diameter_mm, shift),
        prevalence=shift,
        patient=None if model is None else _use(model, used, _shifted(logistic(image_logit), shift)),
    )


def read_item(
    calibration: Calibration, logits: Sequence[float], facts: NoduleFacts, item: Mapping[Any, Any]
) -> Readout:
    """Return what a calibration makes of a work item's raw outputs, which may say who the patient is, and where."""
    patient = {name: float(value) for name, value in item.get(PATIENT, {}).items()}
    asked = None if item.get(PREVALENCE) is None else float(item[PREVALENCE])
    return read_out(calibration, logits, facts, patient, asked)


def _shifted(probability: float, shift: PrevalenceShift | None) -> float:
    return probability if shift is None else shift.probability(probability)


def _use(model: PatientModel, used: tuple[str, ...], image_alone: float) -> PatientUse:
    missing = tuple(name for name in model.covariates if name not in used)
    return PatientUse(used=used, missing=missing, image_alone=image_alone)


def _parts(
    calibration: Calibration,
    image_logit: float,
    logit: float,
    characteristics: Mapping[str, float],
    diameter_mm: float,
    shift: PrevalenceShift | None,
) -> ScoreParts | None:
    """Return the score as a sum: what the patient adds is a part, and another prevalence moves the average nodule."""
    if calibration.additive is None:
        return None
    image = take_apart(calibration.additive, image_logit, characteristics, diameter_mm)
    moved = 0.0 if shift is None else shift.in_logits
    patient = {} if logit == image_logit else {"patient": logit - image_logit}
    parts = {**image.parts, **patient}
    return replace(image, logit=logit + moved, average=image.average + moved, parts=parts)


def predicted_ratings(logits: Sequence[float]) -> dict[str, float]:
    """Return the predicted mean rating of each characteristic on its LIDC scale."""
    return {
        name: scale.rating_of(logistic(float(logit)))
        for (name, scale), logit in zip(CHARACTERISTICS.items(), logits[len(CLASSES) :], strict=True)
    }
