"""Nodules of CSV tables: ours, and LUNA16's annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodulus.transforms.problems import UsageError

from .nodule import Nodule, decimal_of, shown
from .scan_names import (
    CASE_COLUMNS,
    FRAME_COLUMNS,
    MAYBE_SERIES_COLUMNS,
    SERIES_COLUMNS,
    STUDY_COLUMNS,
    is_uid,
    name_of_image,
    plain_column,
)
from .table_rows import Row, read_rows

OUR_COLUMNS = ("nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")
# How sure a detector was of each, 0 to 1; `nodulus detect` writes it.
SCORE_COLUMN = "detection_score"
LUNA16_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")


def nodules_of_csv(path: Path) -> tuple[str, list[Nodule]]:
    """Return the table's format ("nodulus_csv" or "luna16_csv") and its nodules, positions as they are written."""
    rows = read_rows(path)
    columns = set(rows[0].cells)
    if columns.issuperset(OUR_COLUMNS):
        return "nodulus_csv", nodules_of_rows(rows)
    if columns.issuperset(LUNA16_COLUMNS):
        return "luna16_csv", _luna16_nodules(rows)
    expected = min((OUR_COLUMNS, LUNA16_COLUMNS), key=lambda wanted: len(set(wanted) - columns))
    missing = ", ".join(name for name in expected if name not in columns)
    raise UsageError(
        f"{path.name}: expected the columns {','.join(expected)}, got no {missing} in {','.join(rows[0].cells)}"
    )


def nodules_of_rows(rows: Sequence[Row], case_column: str | None = None) -> list[Nodule]:
    """Return a nodule of each row with our columns; what other columns say becomes its attributes.

    Args:
        rows: of one table.
        case_column: says whose a nodule is; None takes any column that is called so (case, image, ...).
    """
    seen: dict[tuple[str | None, str | None, str], int] = {}
    columns = _columns_of(rows[0], OUR_COLUMNS, case_column)
    nodules = []
    for row in rows:
        nodule = _nodule(row, columns, row.text("nodule_id"))
        key = (nodule.case_id, nodule.series_uid, nodule.nodule_id)
        if key in seen:
            raise row.error(f"expected each nodule_id once, got {key[2]!r} again (first in row {seen[key]})")
        seen[key] = row.number
        nodules.append(nodule)
    return nodules


def _luna16_nodules(rows: Sequence[Row]) -> list[Nodule]:
    """Return LUNA16's nodules, numbered from 1 within their series: the format gives them no names."""
    count: Counter[str] = Counter()
    columns = _columns_of(rows[0], LUNA16_COLUMNS, None)
    nodules = []
    for row in rows:
        series_uid = row.text("seriesuid")
        count[series_uid] += 1
        nodules.append(_nodule(row, columns, str(count[series_uid])))
    return nodules


@dataclass(frozen=True)
class _Columns:
    """The columns of a table by what they say: numbers (x, y, z, diameter), names of the scan, UIDs, attributes."""

    numbers: Sequence[str]
    case: Sequence[str]
    series_uid: Sequence[str]
    study_uid: Sequence[str]
    frame_uid: Sequence[str]
    attributes: Sequence[str]
    is_case_a_name: bool


def _columns_of(row: Row, format_columns: Sequence[str], case_column: str | None) -> _Columns:
    def called(names: Collection[str]) -> list[str]:
        return [column for column in row.cells if plain_column(column) in names]

    by_likelihood = sorted(called(CASE_COLUMNS), key=lambda column: CASE_COLUMNS.index(plain_column(column)))
    case = by_likelihood if case_column is None else [case_column]
    uids = [called(names) for names in (SERIES_COLUMNS, STUDY_COLUMNS, FRAME_COLUMNS)]
    uids[0] += [column for column in called(MAYBE_SERIES_COLUMNS) if is_uid(row.cells[column])]
    known = {*format_columns, SCORE_COLUMN, *case, *(column for columns in uids for column in columns), ""}
    attributes = [column for column in row.cells if column not in known]
    return _Columns(format_columns[1:], case, uids[0], uids[1], uids[2], attributes, case_column is not None)


def _nodule(row: Row, columns: _Columns, nodule_id: str) -> Nodule:
    x, y, z, diameter = (row.number_mm(column) for column in columns.numbers)
    case_id = _first_cell(row, columns.case)
    try:
        return Nodule(
            nodule_id,
            (x, y, z),
            diameter,
            case_id=case_id if columns.is_case_a_name else name_of_image(case_id),
            series_uid=name_of_image(_first_cell(row, columns.series_uid)),
            frame_of_reference_uid=_first_cell(row, columns.frame_uid),
            detection_score=_score(row),
            attributes={column: row.cells[column] for column in columns.attributes if row.cells[column]},
            study_uid=_first_cell(row, columns.study_uid),
        )
    except UsageError as error:
        raise row.error(str(error)) from error


def _score(row: Row) -> float | None:
    text = row.cells.get(SCORE_COLUMN, "")
    score = decimal_of(text)
    if text and (score is None or not 0 <= score <= 1):
        raise row.error(f"expected a number from 0 to 1 in column {SCORE_COLUMN}, got {shown(text)}")
    return score


def _first_cell(row: Row, columns: Sequence[str]) -> str | None:
    return next((row.cells[column] for column in columns if row.cells.get(column)), None)
