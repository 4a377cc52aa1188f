"""What a bundle says of one nodule: the object between whoever ran the network and the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodulus.pipeline.readout.readout import Readout
from nodulus.pipeline.results.stability import Stability


@dataclass(frozen=True)
class NodulePrediction:
    """What the network and the bundle's postprocessing say of one nodule.

    Args:
        nodule_id: which nodule.
        benign: calibrated probability, as ``malignant``; the two add up to one.
        malignant: calibrated probability.
        logits: the network's raw outputs, in the order of ``characteristics.OUTPUTS``.
        readout: all else that was read out of them.
        stability: how far the probability moves under small changes; None where nobody asked.
    """

    nodule_id: str
    benign: float
    malignant: float
    logits: tuple[float, ...]
    readout: Readout
    stability: Stability | None = None


def prediction_of(nodule_id: str, item: Mapping[Any, Any]) -> NodulePrediction:
    """Return the prediction that a bundle's postprocessing left in a MONAI item, by ``ReadOutputsd``'s keys."""
    benign, malignant = (float(value) for value in item["pred"])
    logits = tuple(float(value) for value in item["logits"])
    return NodulePrediction(nodule_id, benign, malignant, logits, item["readout"])
