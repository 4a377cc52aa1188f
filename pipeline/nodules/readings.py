"""Do a table's nodules lie in lung as their numbers were read, or would another frame or unit put them there?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nodulus.transforms.geometry import Frame, Grid, Points, swap_lps_ras_points
from nodulus.transforms.patches.lung_look import Look, look_at
from nodulus.transforms.problems import Problem, ProblemCode
from nodulus.transforms.volume import CTVolume

from .nodule import MAX_DIAMETER_MM, Nodule

# Of a detector's thousand boxes these tell as much; they are taken evenly from the whole table.
_MOST_LOOKED_AT = 24


@dataclass(frozen=True)
class Reading:
    """What a source's numbers may have meant.

    Args:
        name: in words, as in "read as RAS".
        to_lps_mm: turns the source's numbers (n, 3) into LPS mm.
        mm_per_unit: of its lengths.
    """

    name: str
    to_lps_mm: Callable[[Points], Points]
    mm_per_unit: float = 1.0


def frame_warning(
    nodules: Sequence[Nodule], volume: CTVolume, frame: Frame = "LPS", doubtful: Collection[str] | None = None
) -> Problem | None:
    """Return the warning that nodules lie elsewhere than their numbers were taken to say, None where they seem right.

    It is given where most nodules lie where no nodule is, and another reading of all the numbers puts clearly more of
    them in lung. Nothing is read anew: a look cannot know what was meant.

    Args:
        nodules: of one scan, as they were read.
        volume: the scan.
        frame: that the source's numbers were taken to be in.
        doubtful: the ids of those whose place is in doubt, where that is known already; None looks at each.
    """
    if not _are_most(len(nodules) if doubtful is None else len(doubtful), len(nodules)):
        return None
    chosen = nodules[:: -(-len(nodules) // _MOST_LOOKED_AT)]
    missed = [each for each in chosen if (doubtful is None or each.nodule_id in doubtful) and _is_missed(each, volume)]
    if not _are_most(len(missed), len(chosen)):
        return None
    numbers = np.asarray([each.center_lps_mm for each in chosen])
    if frame == "RAS":
        numbers = swap_lps_ras_points(numbers)
    tries = [_try(reading, numbers, chosen, volume) for reading in _others(volume.grid, frame)]
    most = max(each.n_clear for each in tries)
    if 3 * most < 2 * len(chosen) or 2 * (most - (len(chosen) - len(missed))) < len(chosen):
        return None
    return _warning([each.nodule_id for each in missed], [each for each in tries if each.n_clear == most], len(chosen))


def _are_most(part: int, whole: int) -> bool:
    return part > 0 and 2 * part >= whole


def _is_missed(nodule: Nodule, volume: CTVolume) -> bool:
    look = look_at(volume, nodule.center_lps_mm, nodule.diameter_mm)
    return look is None or look.is_no_nodule


def _others(grid: Grid, frame: Frame) -> Iterator[Reading]:
    """Yield what the numbers may have meant instead."""
    other: Frame = "RAS" if frame == "LPS" else "LPS"
    yield Reading(other, _from(other))
    for unit, mm in (("cm", 10.0), ("m", 1000.0)):
        yield Reading(unit, _from(frame, mm), mm)
        yield Reading(f"{other} in {unit}", _from(other, mm), mm)
    last = grid.size_xyz[2] - 1
    yield Reading("voxel indices x, y, z", grid.lps_from_voxel)
    yield Reading("voxel indices z, y, x", lambda numbers: grid.lps_from_voxel(numbers[:, ::-1]))
    yield Reading(
        "voxel indices x, y, z, the last slice first",
        lambda numbers: grid.lps_from_voxel(numbers * [1, 1, -1] + [0, 0, last]),
    )


def _from(frame: Frame, mm_per_unit: float = 1.0) -> Callable[[Points], Points]:
    swapped = swap_lps_ras_points if frame == "RAS" else np.asarray
    return lambda numbers: mm_per_unit * swapped(numbers)


@dataclass(frozen=True)
class _Try:
    """How many nodules lie in lung under a reading: those that clearly do, and those that may."""

    reading: Reading
    n_clear: int = 0
    n_possible: int = 0


def _try(reading: Reading, numbers: Points, nodules: Sequence[Nodule], volume: CTVolume) -> _Try:
    """Return what a reading makes of the nodules; nothing where most would not even lie in the scan."""
    centers_lps_mm = reading.to_lps_mm(numbers)
    if not _are_most(int(volume.grid.contains_lps(centers_lps_mm).sum()), len(nodules)):
        return _Try(reading)
    looks = [list(_looks(reading, *place, volume)) for place in zip(centers_lps_mm, nodules, strict=True)]
    return _Try(
        reading,
        n_clear=sum(any(look.is_nodule_in_lung for look in each) for each in looks),
        n_possible=sum(any(not look.is_no_nodule for look in each) for each in looks),
    )


def _looks(reading: Reading, center_lps_mm: Points, nodule: Nodule, volume: CTVolume) -> Iterator[Look]:
    """Yield the looks at a place: where positions are in another unit, the diameter may or may not be in it, too."""
    for diameter_mm in {nodule.diameter_mm, nodule.diameter_mm * reading.mm_per_unit}:
        look = look_at(volume, center_lps_mm, diameter_mm) if diameter_mm <= MAX_DIAMETER_MM else None
        if look is not None:
            yield look


def _warning(missed: Sequence[str], best: Sequence[_Try], n_nodules: int) -> Problem:
    names = " or ".join(each.reading.name for each in best)
    n_in_lung = max(each.n_possible for each in best)
    return Problem(
        ProblemCode.FRAME_DOUBTFUL,
        f"Expected nodules in lung, got {len(missed)} of {n_nodules} nodules that lie where no nodule is; "
        f"as {names} {n_in_lung} of {n_nodules} lie in lung",
        tuple(missed),
    )
