"""The diameter of a nodule that is given as a point alone, or why none can be measured there."""

from __future__ import annotations

from nodulus.transforms.geometry import Triple
from nodulus.transforms.volume import CTVolume

from .extent import extent_of
from .outline import outline
from .own_diameter import outline_of_own_diameter
from .trust import doubt_about


def diameter_at(volume: CTVolume, center_lps_mm: Triple) -> tuple[float | None, str]:
    """Return the diameter in mm that an outline has at a point, to a tenth, or None and why there is none.

    Raises:
        InputRefusedError: a slice that it needs cannot be read.
    """
    found = outline_of_own_diameter(lambda diameter_mm: outline(volume, center_lps_mm, diameter_mm))
    if found is None:
        return None, "no voxel of the scan lies near the point"
    diameter_mm, drawn = found
    doubt = doubt_about(drawn, extent_of(drawn.is_nodule, volume.grid.affine_lps), diameter_mm)
    return (None, doubt) if doubt else (round(diameter_mm, 1), "")
