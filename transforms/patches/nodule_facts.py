"""What can be told of a nodule from its patch, before any network sees it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.transforms.volume import AIR_HU

from .box import Spacing, as_triple
from .nodule_shape import UNTOLD, NoduleShape, nodule_shape
from .scan_grain import UNTOLD_GRAIN, ScanGrain

# The lung's darkest voxels, in emphysema, lie about here; air outside of the body and table lies below.
THIN_AIR_HU = -950.0
# Between aerated lung (-900 to -700) and ground glass (-700 to -300) on one side, and all other tissue on the other.
AERATED_HU = -500.0
# The smallest nodules are a few voxels of one slice.
SMALLEST_CORE_RADIUS_MM = 1.5


@dataclass(frozen=True)
class NoduleFacts:
    """What can be told of a nodule before any network sees it.

    Args:
        diameter_mm: as its table says.
        slice_spacing_mm: distance between the scan's slices; it stands for their thickness, which not all formats tell.
        inside_fraction: part of the shown voxels that the scan covers.
        core_hu: mean of the sphere of half the diameter (at least 3 mm across) about the centre.
        aerated_fraction: part of the shown voxels in the scan below -500 HU: lung, or other air.
        thin_air_fraction: part of them below -950 HU: air that is in no lung.
        shape: shape and surroundings of what lies there; untold where nothing is shown.
        grain: noise and sharpness of the scan about the nodule; untold where too little of it is even.
    """

    diameter_mm: float
    slice_spacing_mm: float
    inside_fraction: float
    core_hu: float
    aerated_fraction: float
    thin_air_fraction: float
    shape: NoduleShape = UNTOLD
    grain: ScanGrain = UNTOLD_GRAIN

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, Any]) -> NoduleFacts:
        """Return the facts that ``numbers`` gave."""
        shape = NoduleShape(**{part.name: float(numbers[part.name]) for part in fields(NoduleShape)})
        grain = ScanGrain(**{part.name: float(numbers[part.name]) for part in fields(ScanGrain)})
        own = {part.name: float(numbers[part.name]) for part in fields(cls) if part.name not in ("shape", "grain")}
        return cls(**own, shape=shape, grain=grain)

    def numbers(self) -> dict[str, float]:
        """Return all facts as one flat mapping of numbers, which a data loader can batch."""
        facts = asdict(self)
        shape, grain = facts.pop("shape"), facts.pop("grain")
        return {**facts, **shape, **grain}


def nodule_facts(
    patch_hu: NDArray[np.floating[Any] | np.integer[Any]],
    shown: ArrayLike,
    *,
    spacing_mm: Spacing,
    diameter_mm: float,
    slice_spacing_mm: float,
    inside_fraction: float,
    grain: ScanGrain = UNTOLD_GRAIN,
) -> NoduleFacts:
    """Return what a nodule's patch tells, before any window.

    Args:
        patch_hu: Hounsfield units (x, y, z), the nodule's centre in its middle; air where nothing is shown
            and where the scan ends.
        shown: (3, 2), start and stop of the shown voxels along each axis.
        spacing_mm: of the patch along each axis, or one number for all.
        diameter_mm: of the nodule.
        slice_spacing_mm: of the scan.
        inside_fraction: part of the shown voxels that the scan covers.
        grain: of the scan about the shown voxels.
    """
    box = tuple(slice(int(start), int(stop)) for start, stop in np.asarray(shown))
    shown_hu = np.asarray(patch_hu, dtype=np.float64)[box]
    if not shown_hu.size or inside_fraction <= 0:
        # The network sees nothing but the fill.
        return NoduleFacts(
            diameter_mm,
            slice_spacing_mm,
            inside_fraction=0.0,
            core_hu=AIR_HU,
            aerated_fraction=1.0,
            thin_air_fraction=1.0,
        )
    core = _distance_mm(patch_hu.shape, spacing_mm)[box] <= max(diameter_mm / 4, SMALLEST_CORE_RADIUS_MM)
    core_hu = float(shown_hu[core if core.any() else ...].mean())
    return NoduleFacts(
        diameter_mm=diameter_mm,
        slice_spacing_mm=slice_spacing_mm,
        inside_fraction=inside_fraction,
        core_hu=core_hu,
        aerated_fraction=_part_below(AERATED_HU, shown_hu, inside_fraction),
        thin_air_fraction=_part_below(THIN_AIR_HU, shown_hu, inside_fraction),
        shape=nodule_shape(patch_hu, shown, spacing_mm=spacing_mm, diameter_mm=diameter_mm, core_hu=core_hu),
        grain=grain,
    )


def _distance_mm(shape: tuple[int, ...], spacing_mm: Spacing) -> NDArray[np.float64]:
    """Return each voxel's distance from the middle of the patch."""
    axes = np.ogrid[tuple(slice(-(n - 1) / 2, n / 2) for n in shape)]
    return np.asarray(np.sqrt(sum((step * axis) ** 2 for step, axis in zip(as_triple(spacing_mm), axes, strict=True))))


def _part_below(limit_hu: float, shown_hu: NDArray[np.float64], inside_fraction: float) -> float:
    """Return which part of the voxels in the scan lies below a limit; all others hold the fill, which does."""
    part = float((shown_hu < limit_hu).mean())
    return min(max((part - (1 - inside_fraction)) / inside_fraction, 0.0), 1.0)
