"""Nodules of CSV tables: ours, and LUNA16's annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nodulus.transforms.problems import UsageError

from .named_scan import named_scan
from .nodule import Nodule, decimal_of, shown
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
    nodules = []
    for row in rows:
        nodule = _nodule(row, OUR_COLUMNS, row.text("nodule_id"), case_column)
        key = (nodule.case_id, nodule.series_uid, nodule.nodule_id)
        if key in seen:
            raise row.error(f"expected each nodule_id once, got {key[2]!r} again (first in row {seen[key]})")
        seen[key] = row.number
        nodules.append(nodule)
    return nodules


def _luna16_nodules(rows: Sequence[Row]) -> list[Nodule]:
    """Return LUNA16's nodules, numbered from 1 within their series: the format gives them no names."""
    count: Counter[str] = Counter()
    nodules = []
    for row in rows:
        series_uid = row.text("seriesuid")
        count[series_uid] += 1
        nodules.append(_nodule(row, LUNA16_COLUMNS, str(count[series_uid])))
    return nodules


def _nodule(row: Row, columns: Sequence[str], nodule_id: str, case_column: str | None = None) -> Nodule:
    """Return the nodule of a row with the columns of its format: x, y, z and diameter stand last."""
    x, y, z, diameter = (row.number_mm(column) for column in columns[-4:])
    scan = named_scan(row.cells, case_column)
    known = {*columns, SCORE_COLUMN, *scan.told_by, ""}
    try:
        return Nodule(
            nodule_id,
            (x, y, z),
            diameter,
            case_id=scan.case_id,
            series_uid=scan.series_uid,
            frame_of_reference_uid=scan.frame_of_reference_uid,
            detection_score=_score(row),
            attributes={column: cell for column, cell in row.cells.items() if cell and column not in known},
            study_uid=scan.study_uid,
        )
    except UsageError as error:
        raise row.error(str(error)) from error


def _score(row: Row) -> float | None:
    text = row.cells.get(SCORE_COLUMN, "")
    score = decimal_of(text)
    if text and (score is None or not 0 <= score <= 1):
        raise row.error(f"expected a number from 0 to 1 in column {SCORE_COLUMN}, got {shown(text)}")
    return score
