"""LIDC-IDRI's nodules with their readers' ratings, as a list of ours or a table holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.nodules.table_rows import Row, read_rows
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.transforms.geometry import Triple
from nodulus.transforms.problems import UsageError


@dataclass(frozen=True)
class RatedNodule:
    """A nodule of LIDC-IDRI: which series, whose, where, and each reader's ratings."""

    series_uid: str
    patient_id: str
    center_lps_mm: Triple
    ratings: Sequence[int]
    characteristics: Mapping[str, Sequence[int]]


def read_ratings(path: Path) -> list[RatedNodule]:
    """Return the rated nodules of a file.

    Args:
        path: a data list (JSON), as ``nodulus prepare lidc`` writes it, or a table with the columns ``series_uid``,
            ``patient_id``, ``center_x_mm``, ``center_y_mm``, ``center_z_mm`` and ``malignancy``, ratings joined by a
            bar; perhaps with the characteristics.

    Raises:
        UsageError: the file is missing, or holds something else.
    """
    return _of_list(path) if path.suffix.lower() == ".json" else [_of_row(row) for row in read_rows(path)]


def _of_list(path: Path) -> list[RatedNodule]:
    found = []
    for _, item in read_data_list(path).items():
        series_uid = (item.model_extra or {}).get("series_uid")
        if item.ratings is None or not series_uid:
            raise UsageError(f"Expected ratings and series_uid of nodule {item.nodule_id} in {path}, got none")
        characteristics = {name: list(values) for name, values in (item.characteristics or {}).items()}
        found.append(RatedNodule(str(series_uid), item.patient_id, item.center_lps_mm, item.ratings, characteristics))
    return found


def _of_row(row: Row) -> RatedNodule:
    center = (row.number_mm("center_x_mm"), row.number_mm("center_y_mm"), row.number_mm("center_z_mm"))
    rated = {name: _whole(row, name) for name in CHARACTERISTICS if row.cells.get(name)}
    return RatedNodule(row.text("series_uid"), row.text("patient_id"), center, _whole(row, "malignancy"), rated)


def _whole(row: Row, column: str) -> list[int]:
    try:
        return [int(part) for part in row.text(column).split("|")]
    except ValueError:
        raise row.error(f"expected ratings as 5|4|4 in {column}, got {row.cells[column]!r}") from None
