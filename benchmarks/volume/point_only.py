"""What was tried to outline a nodule from its point alone: its diameter is guessed, then taken as if stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from nodulus.transforms.measures.outline import Outline, outline_in
from nodulus.transforms.measures.own_diameter import diameter_of, outline_of_own_diameter

from .crops import Crop

# From the smallest nodules that readers outline to a mass.
DIAMETERS_MM = (4.0, 5.0, 6.5, 8.0, 10.0, 13.0, 17.0, 22.0, 28.0)
DENSE_HU = -400.0

PointOnly = Callable[[Crop], NDArray[np.bool_]]


def dense_part(crop: Crop) -> NDArray[np.bool_]:
    """Return the connected part above -400 HU that is nearest to the point."""
    parts, _ = label(crop.around.intensity_hu > DENSE_HU)
    places = np.argwhere(parts)
    if not len(places):
        return np.zeros(parts.shape, dtype=np.bool_)
    point = crop.around.scan.grid.voxel_from_lps(crop.center_lps_mm)
    nearest = places[np.argmin(((places - point) ** 2).sum(axis=1))]
    return np.asarray(parts == parts[tuple(nearest)])


def surest_diameter(crop: Crop) -> NDArray[np.bool_]:
    """Return the outline of the diameter whose outline is surest of itself."""
    found = max(_candidates(crop), key=lambda pair: pair[1].expected_dice, default=None)
    return _mask(None if found is None else found[1], crop)


def own_diameter(crop: Crop) -> NDArray[np.bool_]:
    """Return the outline whose own size is the diameter it was made from: what `--point` alone gives."""
    found = outline_of_own_diameter(lambda diameter_mm: _outline(crop, diameter_mm))
    return _mask(None if found is None else found[1], crop)


def steadiest_diameter(crop: Crop) -> NDArray[np.bool_]:
    """Return the outline, of all candidates, whose own size is nearest to the diameter that it was made from."""
    found = min(_candidates(crop), key=lambda pair: abs(np.log(diameter_of(pair[1]) / pair[0])), default=None)
    return _mask(None if found is None else found[1], crop)


METHODS: Mapping[str, PointOnly] = {
    "the dense part at the point, above -400 HU": dense_part,
    "outline of the diameter that is surest of itself": surest_diameter,
    "outline of the diameter that it has itself, begun at 8 mm": own_diameter,
    "outline of the candidate diameter nearest to its own": steadiest_diameter,
}


@lru_cache(maxsize=1)  # two methods choose among the same
def _candidates(crop: Crop) -> list[tuple[float, Outline]]:
    return [(d, found) for d in DIAMETERS_MM if (found := _outline(crop, d)) is not None]


def _outline(crop: Crop, diameter_mm: float) -> Outline | None:
    return outline_in(crop.around, crop.center_lps_mm, diameter_mm)


def _mask(found: Outline | None, crop: Crop) -> NDArray[np.bool_]:
    return np.zeros(crop.is_nodule.shape, dtype=np.bool_) if found is None else found.is_nodule
