"""Reads a network's raw outputs as a step of a bundle's postprocessing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from nodulus.transforms.patches.nodule_facts import NoduleFacts
from nodulus.transforms.patches.note_facts import FACTS

from .calibration import read_calibration
from .characteristics import CLASSES
from .readout import read_item


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
            facts = NoduleFacts.of_numbers(item[self.facts_key])
            readout = read_item(self.calibration, logits.double().cpu().tolist(), facts, item)
            item["readout"] = readout
            item[key] = torch.tensor([1 - readout.malignant, readout.malignant], dtype=torch.float64)
        return item
