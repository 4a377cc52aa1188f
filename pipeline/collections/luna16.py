"""LUNA16: annotations.csv, an MHD a series, and where given the ratings that LIDC-IDRI's readers gave its nodules.

LUNA16 holds neither patients nor labels; its series are LIDC-IDRI's, whose readers rated each nodule. Without their
ratings each series stands for a patient of its own, and no nodule has a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nodulus.pipeline.data.lidc import LABEL_MEANING, label_of

from .found import FoundNodule
from .lidc_ratings import RatedNodule
from .scan_index import ScanIndex
from .table import Columns, nodules_of_table

SERIES = "seriesuid"
LAYOUT = Columns(patient=SERIES, image=SERIES, x="coordX", y="coordY", z="coordZ")
HEAD = {
    "name": "LUNA16 nodules",
    "label_meaning": LABEL_MEANING,
    "licence": "CC BY 4.0 (LUNA16), CC BY 3.0 (LIDC-IDRI)",
}


def luna16_nodules(annotations: Path, scans: ScanIndex, rated: Sequence[RatedNodule] = ()) -> list[FoundNodule]:
    """Return LUNA16's nodules, each with patient and ratings of the rated one at its place.

    Args:
        annotations: LUNA16's table.
        scans: below the folder that holds subset0 to subset9.
        rated: LIDC-IDRI's nodules. One is taken where its centre lies within the nodule's radius, the nearest first;
            none is taken twice.

    Raises:
        UsageError: a column or a scan is missing, or a cell is bad.
    """
    found = nodules_of_table(annotations, scans, LAYOUT)
    patient_of = {one.series_uid: one.patient_id for one in rated}
    of_series: dict[str, list[int]] = {}
    for index, nodule in enumerate(found):
        of_series.setdefault(nodule.patient_id, []).append(index)
    for series_uid, indices in of_series.items():
        there = [one for one in rated if one.series_uid == series_uid]
        matches = _nearest([found[index] for index in indices], there)
        for index, match in zip(indices, matches, strict=True):
            found[index] = _rated(found[index], series_uid, patient_of.get(series_uid), match)
    return found


def _nearest(nodules: Sequence[FoundNodule], rated: Sequence[RatedNodule]) -> list[RatedNodule | None]:
    """Return the rated nodule of each, None where none lies within its radius; pairs are made nearest first."""
    away_mm = [
        (float(np.linalg.norm(np.subtract(nodule.position, one.center_lps_mm))), i, j)
        for i, nodule in enumerate(nodules)
        for j, one in enumerate(rated)
    ]
    matches: dict[int, int] = {}
    for distance_mm, i, j in sorted(away_mm):
        is_within = distance_mm <= (nodules[i].diameter_mm or 0) / 2
        if is_within and i not in matches and j not in matches.values():
            matches[i] = j
    return [rated[matches[i]] if i in matches else None for i in range(len(nodules))]


def _rated(nodule: FoundNodule, series_uid: str, patient_id: str | None, match: RatedNodule | None) -> FoundNodule:
    named = replace(
        nodule, patient_id=patient_id or nodule.patient_id, notes={**nodule.notes, "series_uid": series_uid}
    )
    if match is None:
        return named
    return replace(
        named, label=label_of(match.ratings), ratings=match.ratings, characteristics=match.characteristics or None
    )
