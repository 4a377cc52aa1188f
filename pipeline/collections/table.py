"""Nodules of any CSV table whose columns are named, and of scans below a folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nodulus.pipeline.data.lidc import label_of
from nodulus.pipeline.nodules.nodule import decimal_of
from nodulus.pipeline.nodules.table_rows import Row, read_rows
from nodulus.transforms.problems import UsageError

from .found import POSITION_KINDS, FoundNodule, PositionKind
from .scan_index import IndexedScan, ScanIndex

BENIGN, MALIGNANT = ("0", "benign", "no", "false"), ("1", "malignant", "yes", "true")
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}
_SINGLE = ("patient", "image", "x", "y", "z", "diameter", "label", "ratings")
UNKNOWN = ("", "nan", "na", "n/a", "none", "unknown")


@dataclass(frozen=True)
class Columns:
    """What a table's columns are called.

    Args:
        patient: whose the nodule is; None takes it from the DICOM headers of the scan.
        image: the scan: a file's name, a path below the folder of scans, or a series UID.
        x: first number of the position.
        y: its second.
        z: its third.
        position: what the three numbers are.
        nodule: the nodule's name; columns joined by ``+`` make one; None numbers the rows of a patient.
        diameter: in mm; None, or an empty cell, has it measured in the scan.
        label: of the nodule; None takes it from the mean rating.
        ratings: readers' malignancy, 1 to 5, joined by a bar.
        notes: further columns, by the key that they get in the list.
        benign: what ``label`` says of a benign nodule, in lower case.
        malignant: and of a malignant one.
    """

    patient: str | None = "patient_id"
    image: str = "image"
    x: str = "x_mm"
    y: str = "y_mm"
    z: str = "z_mm"
    position: PositionKind = "lps"
    nodule: str | None = None
    diameter: str | None = "diameter_mm"
    label: str | None = None
    ratings: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    benign: Collection[str] = BENIGN
    malignant: Collection[str] = MALIGNANT

    def __post_init__(self) -> None:
        if self.position not in POSITION_KINDS:
            raise UsageError(f"Expected a position of {', '.join(POSITION_KINDS)}, got {self.position}")
        if both := set(self.benign) & set(self.malignant):
            raise UsageError(f"Expected different values for benign and malignant, got {sorted(both)[0]} for both")

    def as_written(self, table: str, header: Collection[str]) -> Columns:
        """Return the columns as a table's header spells them, whatever the letters' case.

        Raises:
            UsageError: it lacks one.
        """
        spelled = {name.casefold(): name for name in header}

        def found(name: str) -> str:
            if name.casefold() not in spelled:
                raise UsageError(f"Expected a column {name} in {table}, got {', '.join(header)}")
            return spelled[name.casefold()]

        single: dict[str, Any] = {name: getattr(self, name) for name in _SINGLE}
        return replace(
            self,
            **dict[str, Any]({said: name and found(name) for said, name in single.items()}),
            nodule=self.nodule and "+".join(map(found, self.nodule.split("+"))),
            notes={key: found(name) for key, name in self.notes.items()},
        )


def nodules_of_table(table: Path, scans: ScanIndex, columns: Columns) -> list[FoundNodule]:
    """Return a nodule of each row of a table.

    Raises:
        UsageError: a column or a scan is missing, or a cell is bad; the row is named.
    """
    rows = read_rows(table)
    columns = columns.as_written(table.name, rows[0].cells)
    count: dict[str, int] = {}
    nodules = []
    for row in rows:
        scan = _scan(row, scans, columns)
        patient_id = row.text(columns.patient) if columns.patient else scan.patient_id
        if not patient_id:
            raise row.error(f"expected a column that says whose {scan.path.name} is: its files do not")
        count[patient_id] = count.get(patient_id, 0) + 1
        ratings = _ratings(row, columns.ratings)
        joined = [row.text(name) for name in columns.nodule.split("+")] if columns.nodule else []
        nodules.append(
            FoundNodule(
                nodule_id="_".join(joined) or f"{patient_id}_{count[patient_id]}",
                patient_id=patient_id,
                scan=scan.path,
                position=(row.number_mm(columns.x), row.number_mm(columns.y), row.number_mm(columns.z)),
                kind=columns.position,
                diameter_mm=_diameter(row, columns.diameter),
                series_uid=scan.series_uid,
                label=_label(row, columns, ratings),
                ratings=ratings,
                notes={key: _note(key, row.cells[name]) for key, name in columns.notes.items()},
            )
        )
    return nodules


def _scan(row: Row, scans: ScanIndex, columns: Columns) -> IndexedScan:
    try:
        return scans.find(row.text(columns.image))
    except UsageError as error:
        raise row.error(str(error)) from error


def _diameter(row: Row, column: str | None) -> float | None:
    """Return the stated diameter, None where the cell is empty."""
    return row.number_mm(column) if column and row.cells[column].casefold() not in UNKNOWN else None


def _label(row: Row, columns: Columns, ratings: list[int] | None) -> int | None:
    """Return what the label's column says, or where none is named what the mean rating says."""
    if columns.label is None:
        return None if ratings is None else label_of(ratings)
    said = row.cells[columns.label].strip().casefold()
    number = decimal_of(said)
    forms = {said} if number is None else {said, f"{number:g}"}  # what pandas writes as 1.0 beside empty cells
    if forms & set(columns.malignant):
        return 1
    if forms & set(columns.benign):
        return 0
    if said in UNKNOWN:
        return None
    known = ", ".join((*columns.benign, *columns.malignant))
    raise row.error(f"expected {columns.label} as one of {known}, or empty, got {said!r}")


def _ratings(row: Row, column: str | None) -> list[int] | None:
    if column is None or row.cells[column].casefold() in UNKNOWN:
        return None
    parts = row.cells[column].split("|")
    if not all(part.strip() in {"1", "2", "3", "4", "5"} for part in parts):
        raise row.error(f"expected ratings from 1 to 5 as 5|4|4 in {column}, got {row.cells[column]!r}")
    return [int(part) for part in parts]


def _note(key: str, cell: str) -> object:
    """Return what a list keeps of a cell: a number as a number, a sex as M or F, what says nothing as None."""
    if key == "patient_sex":
        return _SEXES.get(cell.casefold(), "")
    # A UID and a date are names, though they are made of digits.
    number = decimal_of(cell) if key.endswith(("age", "_mm")) else None
    return None if cell.casefold() in UNKNOWN else cell if number is None else number
