"""CSV as this program writes it: numbers stay numbers, and text that a spreadsheet would run stays text."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

# What spreadsheets take for a formula; in Asia also by its wide twins. A tab or a line break before it is passed over.
_ACTS = re.compile(r"'*\s*[=+\-@＝＋－＠\t\n]")  # noqa: RUF001 - the wide twins are meant
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LAYOUT = "\t\n"
# They turn what follows them around, so that a name shows as another one.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table as CSV text with a header; text that a spreadsheet would run has an apostrophe before it.

    `cell_text` takes it away again. Control characters other than tabs and line breaks, marks that turn the direction
    of text, and half surrogate pairs become escapes for good: they would act in a terminal, or fit no file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def cell_text(cell: str) -> str:
    """Return what was written into a cell, without the apostrophe that kept a spreadsheet from running it.

    >>> cell_text("'=1+1"), cell_text("'s Hertogenbosch"), cell_text("-1.5")
    ('=1+1', "'s Hertogenbosch", '-1.5')
    """
    return cell[1:] if cell.startswith("'") and _ACTS.match(cell) else cell


def rounded(value: float, digits: int = 3) -> float:
    """Return a length or a rating rounded for people, never as -0."""
    return round(value, digits) + 0.0


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    shown = "".join(letter if _is_harmless(letter) else letter.encode("unicode_escape").decode() for letter in value)
    return f"'{shown}" if _ACTS.match(shown) and not _NUMBER.fullmatch(shown) else shown


def _is_harmless(letter: str) -> bool:
    return letter in _LAYOUT or (unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") and letter not in _TURNS)
