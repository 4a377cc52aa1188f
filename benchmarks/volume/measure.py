"""Measures the outline on validation patients: overlap with the readers', volume, axes, and how far to trust it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.validation import mean_of, size_bins
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.transforms.measures.extent import Extent, extent_of
from nodulus.transforms.measures.outline import outline_in
from nodulus.transforms.measures.settled_volume import settled_volume_mm3
from nodulus.transforms.measures.trust import doubt_about_outline

from .crops import Crop, read_crops
from .point_only import METHODS, own_diameter

Mask = NDArray[np.bool_]
Asked = Callable[[Crop, NDArray[np.float64]], Crop]

# How the nodules are asked for; the direction (3,) is a unit vector, drawn for each nodule.
ASKED: Mapping[str, Asked] = {
    "as the table says, crop as it is": lambda crop, _: crop,
    "crop extended": lambda crop, _: crop.extended(),
    "crop extended even where the nodule goes on": lambda crop, _: crop.extended(everywhere=True),
    "diameter 10 % larger": lambda crop, _: crop.extended().asked(factor=1.1),
    "diameter 10 % smaller": lambda crop, _: crop.extended().asked(factor=0.9),
    "diameter 20 % larger": lambda crop, _: crop.extended().asked(factor=1.2),
    "diameter 20 % smaller": lambda crop, _: crop.extended().asked(factor=0.8),
    "point 1 mm off": lambda crop, direction: crop.extended().asked(shift_mm=direction.tolist()),
}
POINT_ASKED = tuple(name for name in ASKED if not name.startswith("diameter"))
VOLUME_TOLERANCE = 0.25
# The ball that the floor is: the table's diameter and 1 mm.
BALL_ADDED_MM = 1.0


@dataclass(frozen=True)
class Agreement:
    """How an outline agrees with the readers'.

    Args:
        dice: overlap, 0 to 1.
        volume_ratio: of the readers' volume.
        long_axis_error_mm: less the long axis of the readers' outline; ``short_axis_error_mm`` alike.
        mean_hu_error: less the mean density within the readers' outline.
    """

    dice: float
    volume_ratio: float
    long_axis_error_mm: float
    short_axis_error_mm: float
    mean_hu_error: float


@dataclass(frozen=True)
class Measured:
    """What was found of one nodule: agreements by the way it was asked for, and whether its outline is doubted.

    ``settled`` is the volume that is told, by outline and diameter together, as a part of the readers'.
    ``own_diameter`` is the way from a point alone that is shipped, asked for in each way that states no diameter.
    """

    ball: Mapping[str, Agreement]
    outline: Mapping[str, Agreement]
    settled: Mapping[str, float]
    point_only: Mapping[str, Agreement]
    own_diameter: Mapping[str, Agreement]
    is_doubted: bool


def measure(items: Sequence[DataListItem], folder: Path, seed: int = 0, jobs: int = 1) -> dict[str, Any]:
    """Return the record: each way to ask, each bin of size, each doubt, and what was tried without a diameter.

    Args:
        items: the nodules.
        folder: of their crops and masks.
        seed: of the directions in which points are moved.
        jobs: processes side by side.
    """
    directions = np.random.default_rng(seed).normal(size=(len(items), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(partial(measured, folder), items, directions))
    patients = [item.patient_id for item in items]
    plain = [each.outline[next(iter(ASKED))] for each in found]
    settled = np.array([each.settled[next(iter(ASKED))] for each in found])
    doubted = np.array([each.is_doubted for each in found])
    bins = size_bins([item.diameter_mm for item in items])
    return {
        "nodules": len(items),
        "patients": len(set(patients)),
        "asked": {
            name: {
                "ball": _summary([each.ball[name] for each in found], patients),
                "outline": _summary([each.outline[name] for each in found], patients),
                "settled": _volume_summary([each.settled[name] for each in found], patients),
                "settled_less_outline": _gain(found, name, patients),
            }
            for name in ASKED
        },
        "sizes": {name: _part_summary(part, plain, patients) for name, part in bins},
        "settled_sizes": {
            name: _volume_summary(settled[part], np.asarray(patients)[part].tolist()) for name, part in bins
        },
        "trust": {
            name: _part_summary(part, plain, patients)
            for name, part in (("trusted", ~doubted), ("doubted", doubted))
            if part.any()
        },
        "own_diameter": {name: _summary([each.own_diameter[name] for each in found], patients) for name in POINT_ASKED},
        "point_only": {name: _summary([each.point_only[name] for each in found], patients) for name in METHODS},
    }


def measured(folder: Path, item: DataListItem, direction: NDArray[np.float64]) -> Measured:
    """Return what is found of one nodule."""
    (crop,) = read_crops([item], folder)
    asked = {name: ask(crop, direction) for name, ask in ASKED.items()}
    outline = {name: agreement(each, outlined(each)) for name, each in asked.items()}
    return Measured(
        ball={name: agreement(each, ball(each)) for name, each in asked.items()},
        outline=outline,
        settled={name: settled_ratio(each, outline[name].volume_ratio) for name, each in asked.items()},
        point_only={name: agreement(crop, method(crop)) for name, method in METHODS.items()},
        own_diameter={name: agreement(asked[name], own_diameter(asked[name])) for name in POINT_ASKED},
        is_doubted=_is_doubted(crop),
    )


def outlined(crop: Crop) -> Mask:
    """Return our outline of a nodule, all false where there is none."""
    found = outline_in(crop.around, crop.center_lps_mm, crop.diameter_mm)
    return np.zeros(crop.is_nodule.shape, dtype=np.bool_) if found is None else found.is_nodule


def settled_ratio(crop: Crop, outline_ratio: float) -> float:
    """Return the volume by outline and diameter together, both as a part of the readers'."""
    readers_mm3 = float(crop.is_nodule.sum()) * crop.voxel_mm3
    return settled_volume_mm3(outline_ratio * readers_mm3, crop.diameter_mm) / readers_mm3


def ball(crop: Crop) -> Mask:
    """Return the ball of the diameter and 1 mm about the point."""
    grid = crop.around.scan.grid
    places = grid.lps_from_voxel(np.moveaxis(np.indices(grid.size_xyz), 0, -1))
    distance_mm = np.linalg.norm(places - np.asarray(crop.center_lps_mm), axis=-1)
    return np.asarray(distance_mm <= (crop.diameter_mm + BALL_ADDED_MM) / 2)


def agreement(crop: Crop, mask: Mask) -> Agreement:
    """Return how a mask agrees with the readers' outline."""
    if not mask.any():
        return Agreement(0.0, 0.0, *[float("nan")] * 3)
    ours, theirs = (_extent(crop, each) for each in (mask, crop.is_nodule))
    hu = crop.around.intensity_hu
    return Agreement(
        dice=2 * float((mask & crop.is_nodule).sum()) / float(mask.sum() + crop.is_nodule.sum()),
        volume_ratio=ours.volume_mm3 / theirs.volume_mm3,
        long_axis_error_mm=ours.long_axis_mm - theirs.long_axis_mm,
        short_axis_error_mm=ours.short_axis_mm - theirs.short_axis_mm,
        mean_hu_error=float(hu[mask].mean() - hu[crop.is_nodule].mean()),
    )


def _extent(crop: Crop, mask: Mask) -> Extent:
    return extent_of(mask, crop.around.scan.grid.affine_lps)


def _summary(found: Sequence[Agreement], patients: Sequence[str]) -> dict[str, Any]:
    of = {name: np.array([asdict(each)[name] for each in found]) for name in Agreement.__dataclass_fields__}
    return {
        "nodules": len(found),
        "dice": asdict(mean_of(of["dice"], patients)),
        **_volume_summary(of["volume_ratio"], patients),
        **{
            f"median_absolute_{name}": float(np.nanmedian(np.abs(of[name])))
            for name in ("long_axis_error_mm", "short_axis_error_mm", "mean_hu_error")
        },
    }


def _volume_summary(volume_ratios: ArrayLike, patients: Sequence[str]) -> dict[str, Any]:
    return {
        "volume_within_25_percent": asdict(mean_of(is_near(volume_ratios), patients)),
        "median_volume_ratio": float(np.median(np.asarray(volume_ratios, dtype=np.float64))),
    }


def is_near(volume_ratios: ArrayLike) -> NDArray[np.float64]:
    """Return 1 for each volume within 25 % of the readers', else 0."""
    near = np.abs(np.asarray(volume_ratios, dtype=np.float64) - 1) <= VOLUME_TOLERANCE
    return np.asarray(near, dtype=np.float64)


def _gain(found: Sequence[Measured], name: str, patients: Sequence[str]) -> dict[str, float]:
    """Return how much larger a share of volumes is near with the diameter than by the outline alone."""
    with_diameter = is_near([each.settled[name] for each in found])
    return asdict(mean_of(with_diameter - is_near([each.outline[name].volume_ratio for each in found]), patients))


def _part_summary(part: NDArray[np.bool_], found: Sequence[Agreement], patients: Sequence[str]) -> dict[str, Any]:
    where = np.flatnonzero(part).tolist()
    return _summary([found[k] for k in where], [patients[k] for k in where])


def _is_doubted(crop: Crop) -> bool:
    """Return whether an outline is doubted for more than that the crop ends with it."""
    found = outline_in(crop.around, crop.center_lps_mm, crop.diameter_mm)
    return found is None or doubt_about_outline(found, _extent(crop, found.is_nodule), crop.diameter_mm) is not None
