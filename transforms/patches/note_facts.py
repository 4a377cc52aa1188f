"""Notes what a nodule's patch holds before the window takes it away."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform

from .box import Spacing, as_triple
from .nodule_facts import nodule_facts
from .scan_grain import ScanGrain

FACTS = "facts"


class NoduleFactsd(MapTransform):
    """Note what a nodule's patch holds, in Hounsfield units, before the window takes them away.

    Args:
        keys: the patch that ``NodulePatchd`` cut.
        spacing_mm: of the patch along each axis, or one number for all.
        facts_key: receives the ``NoduleFacts`` as a mapping of numbers, which a data loader can batch.
    """

    def __init__(
        self,
        keys: KeysCollection,
        spacing_mm: Spacing,
        diameter_key: str = "diameter_mm",
        shown_key: str = "shown_voxels",
        facts_key: str = FACTS,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.spacing_mm, self.diameter_key = as_triple(spacing_mm), diameter_key
        self.shown_key, self.facts_key = shown_key, facts_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the facts of its patch."""
        item = dict(data)
        for key in self.key_iterator(item):
            patch = item[key]
            facts = nodule_facts(
                patch[0].numpy(),
                item[self.shown_key],
                spacing_mm=self.spacing_mm,
                diameter_mm=float(item[self.diameter_key]),
                # Thick slices blur, distant ones leave out; the worse of the two counts.
                slice_spacing_mm=float(max(patch.meta["slice_spacing_mm"], patch.meta["slice_thickness_mm"])),
                inside_fraction=float(patch.meta["inside_fraction"]),
                grain=ScanGrain(*(float(number) for number in patch.meta["grain"])),
            )
            item[self.facts_key] = facts.numbers()
        return item
