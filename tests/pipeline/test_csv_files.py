"""Cells that a spreadsheet would run are written as text, and come back as they were; numbers stay numbers."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodulus.pipeline.csv_files import cell_text, csv_text, rounded
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.nodules.table_rows import read_rows

HOSTILE = (
    "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "-x", "@SUM(1)", "\t=1", "\n=1", " =1", "＝1", "＋1", "－1",  # noqa: RUF001
    "＠1", "  ＝1", "\xa0=1", "\u3000＋1", " \t@SUM(1)",  # noqa: RUF001
    "'=1", "''=1", '=HYPERLINK("http://x","y")', "=1;=2", "-", "-1e5x", "- 1",
)  # fmt: skip
ACTS = re.compile(r"\s*[=+\-@＝＋－＠\t\r\n]")  # noqa: RUF001
TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
IN_ONE_LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=TURNS), max_size=12)


def written(cell: object) -> str:
    ((_,), (got,)) = csv.reader(io.StringIO(csv_text(["a"], [[cell]]), newline=""))
    return got


@pytest.mark.parametrize("cell", HOSTILE)
def test_what_a_spreadsheet_would_run_is_text_and_comes_back(cell: str) -> None:
    got = written(cell)
    assert not ACTS.match(got)
    assert cell_text(got) == cell


@given(IN_ONE_LINE.filter(bool))
def test_any_text_comes_back(cell: str) -> None:
    got = written(cell)
    assert cell_text(got) == cell
    assert not ACTS.match(got) or float(got) == float(cell)


@pytest.mark.parametrize("number", [-1.5, "-1.5", "-1.5e-07", "+3", "-.5", 0, 7, "-0.0"])
def test_numbers_stay_numbers(number: object) -> None:
    assert written(number) == str(number)


@pytest.mark.parametrize(
    ("name", "shown"), [("a\x1b[31m", "a\\x1b[31m"), ("\x9b1m", "\\x9b1m"), ("x\udc80", "x\\udc80"), ("\r=1", "\\r=1")]
)
def test_what_acts_in_a_terminal_is_an_escape(name: str, shown: str) -> None:
    assert written(name) == shown


@pytest.mark.parametrize("letter", [*TURNS, "\u2028", "\u2029", "\x85", "\x7f", "\0"])
def test_what_turns_or_breaks_a_line_is_an_escape(letter: str) -> None:
    assert written(f"a{letter}b") == f"a{letter.encode('unicode_escape').decode()}b"


@pytest.mark.parametrize("name", [*HOSTILE, "a\nb", "plain", "'s Hertogenbosch", "a,b", 'say "x"', "肺"])
def test_our_reader_gives_back_what_was_written(name: str, tmp_path: Path) -> None:
    table = tmp_path / "n.csv"
    columns = ("nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm", "note")
    table.write_text(csv_text(columns, [(name, -1.5, 2, -3.25, 8, name)]), encoding="utf-8", newline="")
    (row,) = read_rows(table)
    # Blanks at the ends of a cell say nothing in any table, and are not kept.
    assert row.cells["nodule_id"].strip() == name.strip()
    (nodule,) = read_nodules(table).nodules
    assert (nodule.nodule_id.strip(), nodule.center_lps_mm) == (name.strip(), (-1.5, 2.0, -3.25))


def test_a_rounded_number_is_never_minus_zero() -> None:
    assert [str(rounded(value)) for value in (-0.0001, -1.23456, 2.0)] == ["0.0", "-1.235", "2.0"]
