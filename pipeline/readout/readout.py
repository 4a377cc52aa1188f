"""What is read out of a network's raw outputs for one nodule, as MONAI postprocessing and for the record."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from nodulus.transforms.patches.nodule_facts import NoduleFacts
from nodulus.transforms.patches.note_facts import FACTS

from .additive import ScoreParts, take_apart
from .calibration import Calibration, probability_at, read_calibration
from .characteristics import CHARACTERISTICS, CLASSES
from .patient_facts import PATIENT
from .patient_model import PatientModel, PatientUse
from .prior_shift import PrevalenceShift
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
    malignant = probability_at(logit)
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
        patient=None if model is None else _use(model, used, _shifted(probability_at(image_logit), shift)),
    )


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
    fractions = torch.sigmoid(torch.as_tensor(logits, dtype=torch.float64)[len(CLASSES) :]).tolist()
    return {
        name: scale.rating_of(fraction)
        for (name, scale), fraction in zip(CHARACTERISTICS.items(), fractions, strict=True)
    }


# The key of a work item that holds the prevalence at which its scores are to be read.
PREVALENCE = "prevalence"


class ReadOutputsd(MapTransform):
    """Turn raw outputs into the probabilities of benign and malignant; the raw ones stay as ``logits``.

    An item may hold what is known of the patient (``patient``, as ``patient_facts`` tells it) and the ``prevalence`` at
    which its score is to be read.

    Args:
        keys: the network's output, (10,) logits in the order of ``characteristics.OUTPUTS``; becomes (2,), adding up
            to one.
        calibration: path of the bundle's ``calibration.json``. With it the probabilities are calibrated, and
            ``readout`` receives the ``Readout`` of the nodule. None gives the plain softmax and no readout, which is
            all that training needs.
        facts_key: where ``NoduleFactsd`` left the nodule's facts.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when there is no calibration at the path, or a malformed one.
    """

    def __init__(
        self,
        keys: KeysCollection,
        calibration: str | None = None,
        facts_key: str = FACTS,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.calibration = None if calibration is None else read_calibration(Path(calibration))
        self.facts_key = facts_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its outputs read."""
        item = dict(data)
        for key in self.key_iterator(item):
            logits = torch.as_tensor(item[key]).detach()
            item["logits"] = logits
            if self.calibration is None:
                item[key] = torch.softmax(logits[: len(CLASSES)], dim=0)
                continue
            facts = NoduleFacts(**{name: float(value) for name, value in item[self.facts_key].items()})
            patient = {name: float(value) for name, value in item.get(PATIENT, {}).items()}
            asked = None if item.get(PREVALENCE) is None else float(item[PREVALENCE])
            readout = read_out(self.calibration, logits.double().cpu().tolist(), facts, patient, asked)
            item["readout"] = readout
            item[key] = torch.tensor([1 - readout.malignant, readout.malignant], dtype=torch.float64)
        return item
