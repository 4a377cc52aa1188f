"""What is read out of a network's raw outputs for one nodule, as MONAI postprocessing and for the record."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from nodulus.transforms.patches.nodule_facts import NoduleFacts
from nodulus.transforms.patches.note_facts import FACTS

from .additive import ScoreParts, take_apart
from .calibration import Calibration, read_calibration
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
    fractions = torch.sigmoid(torch.as_tensor(logits, dtype=torch.float64)[len(CLASSES) :]).tolist()
    return {
        name: scale.rating_of(fraction)
        for (name, scale), fraction in zip(CHARACTERISTICS.items(), fractions, strict=True)
    }


class ReadOutputsd(MapTransform):
    """Turn raw outputs into the probabilities of benign and malignant; the raw ones stay as ``logits``.

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
            readout = read_out(self.calibration, logits.double().cpu().tolist(), facts)
            item["readout"] = readout
            item[key] = torch.tensor([1 - readout.malignant, readout.malignant], dtype=torch.float64)
        return item
