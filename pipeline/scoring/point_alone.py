"""A nodule that is given as a point alone: its diameter is measured in the scan."""

from __future__ import annotations

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.transforms.geometry import Triple
from nodulus.transforms.measures.extent import extent_of
from nodulus.transforms.measures.outline import outline
from nodulus.transforms.measures.own_diameter import outline_of_own_diameter
from nodulus.transforms.measures.trust import doubt_about
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import CTVolume


def nodule_at(volume: CTVolume, center_lps_mm: Triple, nodule_id: str = "1") -> Nodule:
    """Return the nodule at a point with the diameter that an outline has there, to a tenth of a mm.

    Raises:
        UsageError: none can be measured there: the diameter is to be stated.
        InputRefusedError: a slice that it needs cannot be read.
    """
    found = outline_of_own_diameter(lambda diameter_mm: outline(volume, center_lps_mm, diameter_mm))
    doubt = "no voxel of the scan lies near the point"
    if found is not None:
        diameter_mm, drawn = found
        extent = extent_of(drawn.is_nodule, volume.grid.affine_lps)
        doubt = doubt_about(drawn, extent, diameter_mm) or ""
        if not doubt:
            return Nodule(nodule_id, center_lps_mm, round(diameter_mm, 1))
    msg = f"Expected --diameter MM beside --point, as none can be measured there: {doubt}"
    raise UsageError(msg)
