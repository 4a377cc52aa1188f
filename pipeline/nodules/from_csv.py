"""Nodules of CSV tables: ours, and LUNA16's annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nodulus.transforms.problems import UsageError

from .nodule import Nodule
from .table_rows import Row, read_rows

OUR_COLUMNS = ("nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")
LUNA16_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")


def nodules_of_csv(path: Path) -> tuple[str, list[Nodule]]:
    """Return the table's format ("nodulus_csv" or "luna16_csv") and its nodules, positions as they are written."""
    rows = read_rows(path)
    columns = set(rows[0].cells)
    if columns.issuperset(OUR_COLUMNS):
        return "nodulus_csv", nodules_of_rows(rows, case_column="case")
    if columns.issuperset(LUNA16_COLUMNS):
        return "luna16_csv", _luna16_nodules(rows)
    expected = min((OUR_COLUMNS, LUNA16_COLUMNS), key=lambda wanted: len(set(wanted) - columns))
    missing = ", ".join(name for name in expected if name not in columns)
    raise UsageError(
        f"{path.name}: expected the columns {','.join(expected)}, got no {missing} in {','.join(rows[0].cells)}"
    )


def nodules_of_rows(rows: Sequence[Row], case_column: str) -> list[Nodule]:
    """Return a nodule of each row with our columns; what other columns say becomes its attributes."""
    seen: dict[tuple[str, str], int] = {}
    nodules = []
    for row in rows:
        key = (row.cells.get(case_column, ""), row.text("nodule_id"))
        if key in seen:
            raise row.error(f"expected each nodule_id once, got {key[1]!r} again (first in row {seen[key]})")
        seen[key] = row.number
        nodules.append(_nodule(row, OUR_COLUMNS, key[1], case_id=key[0] or None, reserved=case_column))
    return nodules


def _luna16_nodules(rows: Sequence[Row]) -> list[Nodule]:
    """Return LUNA16's nodules, numbered from 1 within their series: the format gives them no names."""
    count: Counter[str] = Counter()
    nodules = []
    for row in rows:
        series_uid = row.text("seriesuid")
        count[series_uid] += 1
        nodules.append(_nodule(row, LUNA16_COLUMNS, str(count[series_uid]), series_uid=series_uid))
    return nodules


def _nodule(
    row: Row,
    columns: Sequence[str],
    nodule_id: str,
    case_id: str | None = None,
    series_uid: str | None = None,
    reserved: str = "",
) -> Nodule:
    x, y, z, diameter = (row.number_mm(column) for column in columns[1:])
    extra = {name: value for name, value in row.cells.items() if name not in (*columns, reserved) and name and value}
    try:
        return Nodule(nodule_id, (x, y, z), diameter, case_id=case_id, series_uid=series_uid, attributes=extra)
    except UsageError as error:
        raise row.error(str(error)) from error
