"""The rows of a CSV table, and their cells as text or numbers; errors name the file, the row and the column."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nodulus.pipeline.csv_files import cell_text
from nodulus.transforms.problems import UsageError

from .nodule import decimal_of, first_repeated, unpadded
from .nodule_file import MAX_TABLE_BYTES, read_bounded

# Bounds time and memory: the largest public table of nodules, LIDC-IDRI's, has some 7000 rows.
MAX_ROWS = 100_000
# Columns that are known by these names, in whatever case a table writes them.
_NAMES = (
    "nodule_id",
    "x_mm",
    "y_mm",
    "z_mm",
    "diameter_mm",
    "detection_score",
    "case_id",
    "input",
    "seriesuid",
    "coordX",
    "coordY",
    "coordZ",
)
_COLUMNS = {name.casefold(): name for name in _NAMES}
_DELIMITERS = ",;\t|"
# Why Python's reader gives up on a line: one quote that opens a cell and does not close takes in all that follows.
NO_CELLS = f"a cell of more than {csv.field_size_limit()} letters, or of control characters (an open quote?)"
# What Excel writes above a table, to say what separates its cells.
_SEPARATOR_LINE = re.compile(r"\"?sep=([^\"\0\r\n])\"?\s*", re.IGNORECASE)


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
        """Return the cell's number of millimetres, which must be finite; its decimals may stand behind a comma."""
        text = self.text(column)
        value = decimal_of(text)
        if value is None or not math.isfinite(value):
            raise self.error(f"expected a number of mm in column {column}, got {text!r}")
        return value


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV file with a header; commas, semicolons or tabs separate; empty lines are passed over.

    A first line ``sep=;`` says what separates, as Excel writes it.
    """
    lines = read_text(path).splitlines(keepends=True)
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    stated = _SEPARATOR_LINE.fullmatch(lines[first]) if lines else None
    n_skipped = first + 1 if stated else first
    header_line = next((line for line in lines[n_skipped:] if line.strip()), "")
    delimiter = stated[1] if stated else max(_DELIMITERS, key=header_line.count)
    filled = list(_filled_lines(path, lines, n_skipped, delimiter))
    if not filled:
        raise UsageError(f"{path.name}: expected a table with a header, got an empty file")
    header = [column_name(name) for name in filled[0][1]]
    if (repeated := first_repeated(header)) is not None:
        raise UsageError(f"{path.name}: expected each column once, got {repeated} twice")
    if len(filled) == 1:
        raise UsageError(f"{path.name}: expected at least one row below the header, got none")
    return [_row(path, number, header, cells) for number, cells in filled[1:]]


def column_name(name: str) -> str:
    """Return what a column is called here, in whatever case a table writes it."""
    return _COLUMNS.get(name.casefold(), name)


def read_text(path: Path) -> str:
    """Return the text of a table file of bounded size: UTF-8, UTF-16 as spreadsheets write it, or UTF-32."""
    content = read_bounded(path, MAX_TABLE_BYTES)
    encoding = _encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        what = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
        way_out = " (save it as 'CSV UTF-8')" if what == "UTF-8" else ""
        got = f"got byte {error.object[error.start]:#04x}{way_out}"
        raise UsageError(f"{path.name}: expected {what} text, {got}") from error


def _encoding(content: bytes) -> str:
    """Return the encoding by the byte-order mark; without one, Latin letters in UTF-16 have a zero beside them."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(content) > 1 and 0 in content[:2] and content[:2] != b"\0\0":
        return "utf-16-be" if content[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def _filled_lines(path: Path, lines: list[str], n_skipped: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold something, with their numbers in the file."""
    reader = csv.reader(lines[n_skipped:], delimiter=delimiter, skipinitialspace=delimiter != " ")
    n_rows = 0
    try:
        for cells in reader:
            if not any(map(str.strip, cells)):
                continue
            n_rows += 1
            if n_rows > MAX_ROWS + 1:
                raise UsageError(f"{path.name}: expected at most {MAX_ROWS} rows, got more")
            yield reader.line_num + n_skipped, [unpadded(cell) for cell in cells]
    except csv.Error as error:
        where = f"{path.name} row {reader.line_num + n_skipped}"
        raise UsageError(f"{where}: expected CSV, got {NO_CELLS}") from error


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> Row:
    row = Row(path.name, number, dict(zip(header, map(cell_text, cells), strict=False)))
    if len(cells) != len(header):
        raise row.error(f"expected {len(header)} cells, got {len(cells)}")
    return row
