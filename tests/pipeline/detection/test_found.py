"""Which boxes become nodules, and what their table says to the reader of tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.detection.found import Box, found_in
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.transforms.problems import UsageError

BOXES = [
    Box((1.0, 2.0, 3.0), (8.0, 8.0, 8.0), 0.4),
    Box((-76.1234, 5.0, 49.0), (10.0, 12.0, 14.4), 0.9),
    Box((0.0, 0.0, 0.0), (0.5, 0.5, 0.5), 0.8),
    Box((9.0, 9.0, 9.0), (6.0, 6.0, 6.0), 0.7),
]


def test_the_surest_come_first_and_what_is_left_out_is_counted() -> None:
    found = found_in(BOXES, "a detector", 0.5, 1)
    assert [(nodule.nodule_id, nodule.detection_score) for nodule in found.nodules] == [("1", 0.9)]
    assert found.nodules[0].diameter_mm == pytest.approx(12.0)
    assert found.nodules[0].box_lps_mm is None
    assert found.notes == (
        "1 of 4 boxes taken: score 0.5 or more",
        "1 left out: not the size of a nodule",
        "1 left out: less sure than the first 1",
    )
    assert found.source.notes[0] == "found by a detector"


@pytest.mark.parametrize(
    ("boxes", "notes"),
    [
        ([], ("0 of 0 boxes taken: score 0.95 or more",)),
        (BOXES, ("0 of 4 boxes taken, the best 0.90: score 0.95 or more",)),
    ],
)
def test_nothing_found_says_how_near_it_was(boxes: list[Box], notes: tuple[str, ...], tmp_path: Path) -> None:
    found = found_in(boxes, "a detector", 0.95, None)
    assert (found.nodules, found.notes) == ((), notes)
    table = found.write_table(tmp_path / "none.csv")
    assert table.read_text() == "nodule_id,x_mm,y_mm,z_mm,diameter_mm,detection_score\n"
    with pytest.raises(UsageError, match=r"none.csv: expected at least one row below the header, got none"):
        read_nodules(table)


def test_the_table_is_read_with_its_scores(tmp_path: Path) -> None:
    found = found_in(BOXES, "a detector", 0.0, None)
    read = read_nodules(found.write_table(tmp_path / "nodules.csv"), min_score=0.5)
    assert [nodule.nodule_id for nodule in read.nodules] == ["1", "2"]
    for there, here in zip(found.nodules, read.nodules, strict=False):
        assert here.center_lps_mm == pytest.approx(there.center_lps_mm, abs=6e-4)
        assert here.diameter_mm == pytest.approx(there.diameter_mm, abs=6e-4)
        assert here.detection_score == there.detection_score
    assert read.notes == ("1 of 3 left out: score below 0.5",)


@pytest.mark.parametrize("cell", ["sure", "1.5", "-0.1", "nan"])
def test_a_score_that_is_none_is_named_by_row_and_column(cell: str, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"nodule_id,x_mm,y_mm,z_mm,diameter_mm,detection_score\n1,1,2,3,8,{cell}\n")
    with pytest.raises(UsageError, match=r"t.csv row 2: expected a number from 0 to 1 in column detection_score"):
        read_nodules(table)
