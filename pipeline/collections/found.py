"""One nodule as a collection marks it in one of its scans, before anything was read of the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nodulus.transforms.geometry import BoxCorners, Triple

# What the three numbers of a position are: mm in either frame; a voxel's index (column, row, slice, from 0); or column
# and row from 0 and the DICOM Instance Number of the slice.
PositionKind = Literal["lps", "ras", "voxel", "instance"]
POSITION_KINDS: tuple[PositionKind, ...] = ("lps", "ras", "voxel", "instance")


@dataclass(frozen=True)
class FoundNodule:
    """A nodule that a collection marks.

    Args:
        nodule_id: its name, unique in the collection.
        patient_id: whose it is.
        scan: where the scan lies.
        position: its centre.
        kind: what the numbers of ``position`` are.
        diameter_mm: None where the collection does not say; then it is measured.
        series_uid: which series of the scan's folder; None where that holds one.
        box_lps_mm: low corner, then high corner, where it was outlined.
        label: 0 benign, 1 malignant, None undecided.
        ratings: each reader's malignancy, 1 to 5.
        characteristics: each reader's rating of a characteristic, by its name.
        notes: further keys of its item in the list.
    """

    nodule_id: str
    patient_id: str
    scan: Path
    position: Triple
    kind: PositionKind = "lps"
    diameter_mm: float | None = None
    series_uid: str | None = None
    box_lps_mm: BoxCorners | None = None
    label: int | None = None
    ratings: Sequence[int] | None = None
    characteristics: Mapping[str, Sequence[int]] | None = None
    notes: Mapping[str, object] = field(default_factory=dict)
