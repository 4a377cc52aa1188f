"""A nodule that is given as a point alone: its diameter is measured in the scan."""

from __future__ import annotations

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.transforms.geometry import Triple
from nodulus.transforms.measures.point_diameter import diameter_at
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import CTVolume


def nodule_at(volume: CTVolume, center_lps_mm: Triple, nodule_id: str = "1") -> Nodule:
    """Return the nodule at a point with the diameter that an outline has there, to a tenth of a mm.

    Raises:
        UsageError: none can be measured there: the diameter is to be stated.
        InputRefusedError: a slice that it needs cannot be read.
    """
    diameter_mm, doubt = diameter_at(volume, center_lps_mm)
    if diameter_mm is None:
        raise UsageError(f"Expected --diameter MM beside --point, as none can be measured there: {doubt}")
    return Nodule(nodule_id, center_lps_mm, diameter_mm)
