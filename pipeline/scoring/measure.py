"""Measures a nodule of an opened scan for the record."""

from __future__ import annotations

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.results.measures import Measures
from nodulus.transforms.measures.extent import extent_of
from nodulus.transforms.measures.outline import outline
from nodulus.transforms.measures.settled_volume import settled_volume_mm3
from nodulus.transforms.measures.trust import doubt_about
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.volume import CTVolume

# The first number counts up when the outline of the same nodule changes, the second when its volume does.
METHOD = "outline 1, volume 2"


def measures_of(nodule: Nodule, volume: CTVolume) -> Measures:
    """Return what an outline of a nodule measures, or why there is none; it refuses no scan."""
    try:
        found = outline(volume, nodule.center_lps_mm, nodule.diameter_mm)
    except InputRefusedError as refusal:  # a slice beyond those that the score needs
        return Measures(method=METHOD, problem=refusal.problem.message)
    if found is None:
        return Measures(method=METHOD, problem="Expected a nodule at its point, got none to be seen")
    extent = extent_of(found.is_nodule, volume.grid.affine_lps)
    if doubt := doubt_about(found, extent, nodule.diameter_mm):
        return Measures(method=METHOD, problem=doubt)
    return Measures(
        volume_mm3=round(settled_volume_mm3(extent.volume_mm3, nodule.diameter_mm), 1),
        long_axis_mm=round(extent.long_axis_mm, 2),
        short_axis_mm=round(extent.short_axis_mm, 2),
        mean_hu=round(float(found.around.intensity_hu[found.is_nodule].mean()), 1),
        method=METHOD,
    )
