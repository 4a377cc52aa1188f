"""LIDC-IDRI as The Cancer Imaging Archive gives it: DICOM series and the readers' XML, which may lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nodulus.pipeline.data.lidc import LABEL_MEANING, label_of
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume

from .found import FoundNodule
from .lidc_marks import MOST_READERS, SliceOf, box_of_half, center_and_diameter, cluster, enclosed
from .lidc_xml import Contour, Mark, Reading, read_lidc_xml
from .scan_index import IndexedScan, ScanIndex

HEAD = {
    "name": "LIDC-IDRI nodules",
    "label_meaning": LABEL_MEANING,
    "licence": "CC BY 3.0, doi:10.7937/K9/TCIA.2015.LO9QL9SX",
}
# As many as LUNA16 asks for.
MIN_READERS = 3


@dataclass(frozen=True)
class Series:
    """A CT series with the readings of it."""

    scan: IndexedScan
    reading: Reading


def lidc_series(scans: ScanIndex, xml: Path) -> tuple[list[Series], int]:
    """Return the series of which there are readings, and how many readings are of no series that is there.

    Args:
        scans: of the collection.
        xml: a folder with the readers' files, at any depth: that of the scans, or the one they are given in apart.

    Raises:
        UsageError: no reading is of a series that is there, or a file cannot be read as what its name says.
    """
    readings = [one for path in sorted(xml.rglob("*.xml")) if (one := read_lidc_xml(path)) is not None]
    if not readings:
        raise UsageError(f"Expected LIDC-IDRI's XML (LidcReadMessage) below {xml}, got none")
    there = [one for one in readings if one.series_uid.casefold() in scans.scans]
    if not there:
        raise UsageError(f"Expected the series of {len(readings)} readings below {scans.root}, got none of them")
    return [Series(scans.find(one.series_uid), one) for one in there], len(readings) - len(there)


def lidc_nodules(
    series: Iterable[Series], *, min_readers: int = MIN_READERS, allow: frozenset[ProblemCode] = frozenset()
) -> tuple[list[FoundNodule], dict[str, str]]:
    """Return the nodules that enough readers marked, and why a series was left out, by its UID.

    Args:
        series: with their readings.
        min_readers: who must have marked a nodule, 1 to 4.
        allow: problems of scans that the series gate may admit.
    """
    if not 1 <= min_readers <= MOST_READERS:
        raise UsageError(f"Expected 1 to {MOST_READERS} readers, got {min_readers}")
    found: list[FoundNodule] = []
    left_out: dict[str, str] = {}
    count: dict[str, int] = {}
    for one in sorted(series, key=lambda one: (one.scan.patient_id or "", one.reading.series_uid)):
        try:
            volume = open_ct(one.scan.path, allow=allow, series_uid=one.reading.series_uid, expect_lung=False)
            nodules = _nodules_of(one, volume, min_readers)
        except InputRefusedError as error:
            left_out[one.reading.series_uid] = str(error.problem)
            continue
        except UsageError as error:
            left_out[one.reading.series_uid] = str(error)
            continue
        for nodule in nodules:
            number = count[nodule.patient_id] = count.get(nodule.patient_id, 0) + 1
            found.append(_named(nodule, number))
    return found, left_out


def _nodules_of(series: Series, volume: CTVolume, min_readers: int) -> list[FoundNodule]:
    """Return the nodules of a series from its lowest slice up, not yet numbered."""
    grid, slice_of = volume.grid, _slices_of(volume)
    thickness_mm = float(volume.attributes.get("slice_thickness_mm") or grid.spacing_mm[2])
    found = []
    for marks in cluster(series.reading.marks, grid, slice_of, thickness_mm):
        if len({mark.reader for mark in marks}) < min_readers:
            continue
        parts = [enclosed(mark, slice_of) for mark in marks]
        center_lps_mm, diameter_mm = center_and_diameter(parts, grid)
        ratings = [mark.malignancy for mark in marks]
        found.append(
            FoundNodule(
                nodule_id="",
                patient_id=series.scan.patient_id or series.reading.series_uid,
                scan=series.scan.path,
                position=center_lps_mm,
                diameter_mm=round(diameter_mm, 3),
                series_uid=series.reading.series_uid,
                box_lps_mm=box_of_half(marks, grid, slice_of),
                label=label_of(ratings),
                ratings=ratings,
                characteristics=_characteristics(marks),
                notes={"readers": len({mark.reader for mark in marks})},
            )
        )
    return sorted(found, key=lambda nodule: nodule.position[2])


def _slices_of(volume: CTVolume) -> SliceOf:
    """Return what finds the slice of a contour: by its UID, else by its z, to half a step."""
    by_uid = {one.sop_instance_uid: k for k, one in enumerate(volume.slices)}
    n_slices = volume.grid.size_xyz[2]
    z_mm = volume.grid.lps_from_voxel(np.column_stack([np.zeros((n_slices, 2)), np.arange(n_slices)]))[:, 2]

    def slice_of(contour: Contour) -> int:
        if contour.sop_instance_uid in by_uid:
            return by_uid[contour.sop_instance_uid]
        k = int(np.argmin(np.abs(z_mm - contour.z_mm)))
        if abs(z_mm[k] - contour.z_mm) > volume.grid.spacing_mm[2] / 2:
            raise UsageError(f"Expected the slice of every outline, got none at z = {contour.z_mm:g} mm")
        return k

    return slice_of


def _characteristics(marks: list[Mark]) -> dict[str, list[int]]:
    """Return each characteristic that all readers rated, in their order."""
    return {
        name: [mark.characteristics[name] for mark in marks]
        for name in CHARACTERISTICS
        if all(name in mark.characteristics for mark in marks)
    }


def _named(nodule: FoundNodule, number: int) -> FoundNodule:
    return replace(nodule, nodule_id=f"{nodule.patient_id}_{number}")
