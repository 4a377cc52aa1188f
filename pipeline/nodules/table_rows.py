"""The rows of a CSV table, and their cells as text or numbers; errors name the file, the row and the column."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nodulus.transforms.problems import UsageError

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """One row of a table: its number as a spreadsheet shows it (the header is row 1) and its cells by column."""

    table: str
    number: int
    cells: Mapping[str, str]

    def error(self, message: str) -> UsageError:
        """Return the error to raise about this row."""
        return UsageError(f"{self.table} row {self.number}: {message}")

    def text(self, column: str) -> str:
        """Return the cell's text, which must not be empty."""
        value = self.cells.get(column, "")
        if not value:
            raise self.error(f"expected a value in column {column}, got an empty cell")
        return value

    def number_mm(self, column: str) -> float:
        """Return the cell's number of millimetres, which must be finite."""
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"expected a number of mm in column {column}, got {text!r}")
        return value


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV file with a header; commas, semicolons or tabs separate; empty lines are passed over."""
    text = read_text(path)
    header_line = text.lstrip().split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header_line.count)
    lines = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    try:
        filled = [(lines.line_num, [cell.strip() for cell in cells]) for cells in lines if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UsageError(f"{path.name} row {lines.line_num}: expected CSV, got {error}") from error
    if not filled:
        raise UsageError(f"{path.name}: expected a table with a header, got an empty file")
    header = filled[0][1]
    if repeated := {name for name in header if header.count(name) > 1}:
        raise UsageError(f"{path.name}: expected each column once, got {', '.join(sorted(repeated))} twice")
    if len(filled) == 1:
        raise UsageError(f"{path.name}: expected at least one row below the header, got none")
    return [_row(path, number, header, cells) for number, cells in filled[1:]]


def read_text(path: Path) -> str:
    """Return the text of a table file, UTF-8 with or without a byte-order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"expected a readable table, got {error.strerror or error} at {path}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name}: expected UTF-8 text, got byte {error.object[error.start]:#04x}") from error


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> Row:
    row = Row(path.name, number, dict(zip(header, cells, strict=False)))
    if len(cells) != len(header):
        raise row.error(f"expected {len(header)} cells, got {len(cells)}")
    return row
