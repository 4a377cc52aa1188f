"""Is a nodule's outline to be believed? If not, why, in one line."""

from __future__ import annotations

import numpy as np

from .extent import Extent
from .outline import Outline
from .settled_volume import ball_volume_mm3

# No outline of a training patient is beyond: they begin at 176 HU and 0.78, and lie between 0.65 and 1.6.
LEAST_CONTRAST_HU = 150.0
LEAST_EXPECTED_DICE = 0.77
MOST_VOLUME_RATIO = 2.0


def doubt_about(outline: Outline, extent: Extent, diameter_mm: float) -> str | None:
    """Return why an outline is not to be trusted, None where it is."""
    return _doubt_about_scan(outline) or doubt_about_outline(outline, extent, diameter_mm)


def doubt_about_outline(outline: Outline, extent: Extent, diameter_mm: float) -> str | None:
    """Return why an outline of a nodule that lies whole in an even scan is not to be trusted, None where it is."""
    if outline.lung_hu is None:
        return "Expected lung about the nodule, got none: it cannot be told from what lies around it"
    contrast_hu = outline.core_hu - outline.lung_hu
    if contrast_hu < LEAST_CONTRAST_HU:
        return f"Expected a nodule denser than the lung by {LEAST_CONTRAST_HU:.0f} HU, got {contrast_hu:.0f} HU"
    ball_mm3 = ball_volume_mm3(diameter_mm)
    if not 1 / MOST_VOLUME_RATIO <= extent.volume_mm3 / ball_mm3 <= MOST_VOLUME_RATIO:
        return (
            f"Expected about the volume of a ball of the diameter, {ball_mm3:.0f} mm3, got {extent.volume_mm3:.0f} mm3"
        )
    if outline.expected_dice < LEAST_EXPECTED_DICE:
        return f"Expected a rim that can be told, got one of an overlap of {outline.expected_dice:.2f} with itself"
    return None


def _doubt_about_scan(outline: Outline) -> str | None:
    around = outline.around
    grid, low = around.scan.grid, np.asarray(around.low_xyz)
    high = low + around.intensity_hu.shape
    if not grid.is_uniform or around.scan.gaps_between(int(low[2]), int(high[2])):
        return "Expected slices at equal distances about the nodule, got steps"
    places = np.argwhere(outline.is_nodule) + low
    if (places.min(axis=0) == 0).any() or (places.max(axis=0) == np.asarray(grid.size_xyz) - 1).any():
        return "Expected the whole nodule, got one that the scan cuts off"
    return None
