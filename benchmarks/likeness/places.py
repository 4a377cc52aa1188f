"""Places of three chest scans where no nodule lies, as somebody might point at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.places import data_dir
from benchmarks.release.body_regions import body_regions
from benchmarks.release.flag_groups import CHEST_SCANS
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.transforms.patches.box import as_triple
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume

Points = NDArray[np.float64]

# Of each scan. The two that are hard to tell from nodules come most.
COUNTS = {"vessels": 400, "beside_lung": 400, "lung": 150}
COUNT = 80
OWN_BOX_SHARE = 0.4
ANY_SIZE_MM = (4.0, 30.0)
# How far a point is moved onto the middle of what is bright there, as a person would put it; of half of the vessels.
TO_BRIGHTEST_MM = 3.0


@dataclass(frozen=True)
class Place:
    """A point of a scan where no nodule is known to lie.

    Args:
        scan: file name of the scan.
        region: what lies there.
        volume: the scan.
        center_lps_mm: the point.
        diameter_mm: that is claimed of it.
        box_lps_mm: low and high corner of the box that is claimed; None where the diameter implies it.
    """

    scan: str
    region: str
    volume: CTVolume
    center_lps_mm: tuple[float, float, float]
    diameter_mm: float
    box_lps_mm: tuple[float, ...] | None


def draw_places(
    nodules: Sequence[DataListItem], known: Sequence[DataListItem], random: np.random.Generator
) -> Iterator[Place]:
    """Yield places of each chest scan, region by region.

    Args:
        nodules: whose diameters and boxes are claimed of the places.
        known: nodules of the scans, which no place may touch.
        random: draws.
    """
    for name in CHEST_SCANS:
        volume = open_ct(data_dir() / name)
        scan = Path(name).name
        bright = _Bright(volume)
        own = [item for item in known if item.patient_id == Path(name).stem]
        for region, points in body_regions(volume).items():
            n = COUNTS.get(region, COUNT)
            candidates = (points[k] for k in random.permutation(len(points)))
            chosen: list[Place] = []
            for point in candidates:
                place = _place((scan, region), volume, bright, point, _like(nodules, random), random)
                if not _touches(place, own):
                    chosen.append(place)
                if len(chosen) == n:
                    break
            yield from chosen


def _place(
    where: tuple[str, str],
    volume: CTVolume,
    bright: _Bright,
    point: Points,
    like: DataListItem,
    random: np.random.Generator,
) -> Place:
    # The points lie on voxels; nodules' centres do not.
    center = point + random.uniform(-0.5, 0.5, 3) * np.asarray(volume.grid.spacing_mm)
    if where[1] == "vessels" and random.random() < 0.5:
        center = bright.near(center)
    box = None
    if random.random() < OWN_BOX_SHARE and like.box_lps_mm is not None:
        half = (np.asarray(like.box_lps_mm[3:]) - np.asarray(like.box_lps_mm[:3])) / 2
        box = (*as_triple(center - half), *as_triple(center + half))
    return Place(*where, volume, as_triple(center), like.diameter_mm, box)


def _like(nodules: Sequence[DataListItem], random: np.random.Generator) -> DataListItem:
    """Return a nodule whose size a place claims: one of all, every third time one of any size alike."""
    if random.random() < 2 / 3:
        return nodules[int(random.integers(len(nodules)))]
    wanted = random.uniform(*np.log(ANY_SIZE_MM))
    return nodules[int(np.abs(np.log([item.diameter_mm for item in nodules]) - wanted).argmin())]


def _touches(place: Place, nodules: Sequence[DataListItem]) -> bool:
    """Return whether a place comes within 3 mm of a nodule."""
    apart = [np.linalg.norm(np.subtract(place.center_lps_mm, item.center_lps_mm)) for item in nodules]
    reach = [(place.diameter_mm + item.diameter_mm) / 2 + 3 for item in nodules]
    return any(a < b for a, b in zip(apart, reach, strict=True))


class _Bright:
    """Finds the brightest point of a smoothed scan near another."""

    def __init__(self, volume: CTVolume) -> None:
        self.grid = volume.grid
        spacing = np.asarray(volume.grid.spacing_mm)
        self.smooth = ndimage.gaussian_filter(volume.read_all(), 1.0 / spacing)
        self.reach = np.maximum(1, np.floor(TO_BRIGHTEST_MM / spacing)).astype(int)

    def near(self, center_lps_mm: Points) -> Points:
        """Return the LPS position (mm) of the brightest voxel near one."""
        middle = np.rint(self.grid.voxel_from_lps(center_lps_mm)).astype(int)
        low = np.maximum(middle - self.reach, 0)
        part = self.smooth[tuple(slice(int(a), int(b)) for a, b in zip(low, middle + self.reach + 1, strict=True))]
        found = low + np.asarray(np.unravel_index(int(part.argmax()), part.shape))
        return np.asarray(self.grid.lps_from_voxel(found.astype(float)))
