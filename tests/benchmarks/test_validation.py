"""What the records of validation patients have in common: bins, means with intervals, marked parts of pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.validation import markdown_table, mean_of, size_bins, write_between


def test_every_nodule_is_in_the_first_bin_and_one_other() -> None:
    sizes = [3.0, 5.99, 6.0, 9.0, 20.0, 40.0]
    (name, every), *others = size_bins(sizes)
    assert name == "all"
    assert every.all()
    assert (np.sum([part for _, part in others], axis=0) == 1).all()
    assert {name: np.flatnonzero(part).tolist() for name, part in others} == {
        "below 6 mm": [0, 1],
        "6 to 10 mm": [2, 3],
        "from 20 mm on": [4, 5],
    }


def test_the_interval_draws_patients_and_not_nodules() -> None:
    values = np.repeat([0.0, 1.0], 50)
    few = mean_of(values, ["a"] * 50 + ["b"] * 50)
    many = mean_of(values, [str(k) for k in range(100)])
    assert few.value == many.value == 0.5
    assert (few.low, few.high) == (0.0, 1.0)
    assert 0.35 < many.low < 0.45
    assert 0.55 < many.high < 0.65


def test_a_page_keeps_all_but_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- b -->\nafter\n")
    for _ in range(2):
        write_between(page, "<!-- a -->", "<!-- b -->", "new")
    assert page.read_text() == "before\n<!-- a -->\n\nnew\n\n<!-- b -->\nafter\n"
    with pytest.raises(ValueError, match=r"page\.md"):
        write_between(page, "<!-- c -->", "<!-- b -->", "new")


def test_a_table_is_markdown() -> None:
    assert markdown_table(("a", "b"), [("x", 1)]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
