"""Nodule tables and JSON: every format gives the same nodule, a bad row is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nodulus.pipeline.nodules.nodule import Nodule, nodule_from_mapping
from nodulus.pipeline.nodules.sources import check_belongs, read_nodules
from nodulus.transforms.geometry import Grid
from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError
from nodulus.transforms.volume import CTVolume

HEADER = "nodule_id,x_mm,y_mm,z_mm,diameter_mm\n"


def table(folder: Path, text: str, name: str = "nodules.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def as_json(folder: Path, content: object) -> Path:
    return table(folder, json.dumps(content), "nodules.json")


def test_our_csv_is_read_in_its_order_with_extra_columns_as_attributes(tmp_path: Path) -> None:
    found = read_nodules(
        table(tmp_path, "nodule_id,x_mm,y_mm,z_mm,diameter_mm,age,sex\na,1,-2.5,3e1,8,61,F\nb,4,5,6,7.5,,M\n")
    )
    assert (found.format, found.frame, found.frame_is) == ("nodulus_csv", "LPS", "implied")
    assert found.nodules == (
        Nodule("a", (1, -2.5, 30), 8, attributes={"age": "61", "sex": "F"}),
        Nodule("b", (4, 5, 6), 7.5, attributes={"sex": "M"}),
    )


@pytest.mark.parametrize(("frame", "expected"), [(None, (1, 2, 3)), ("LPS", (1, 2, 3)), ("RAS", (-1, -2, 3))])
def test_a_stated_frame_turns_positions_to_lps(tmp_path: Path, frame: str | None, expected: tuple[float, ...]) -> None:
    found = read_nodules(table(tmp_path, HEADER + "a,1,2,3,8\n"), frame=frame)  # type: ignore[arg-type]  # a str
    assert found.nodules[0].center_lps_mm == expected
    assert found.frame_is == ("stated" if frame else "implied")


def test_a_spreadsheet_export_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, "\ufeffnodule_id;x_mm;y_mm;z_mm;diameter_mm\r\n\r\na; 1;2;3;8\r\n;;;;\r\n")
    assert read_nodules(path).nodules == (Nodule("a", (1, 2, 3), 8),)


@pytest.mark.parametrize("change", [str.upper, str.title, lambda header: header.replace("x_mm", "X_mm")])
@pytest.mark.parametrize(
    ("header", "row"), [(HEADER, "1,1,2,3,8"), ("seriesuid,coordX,coordY,coordZ,diameter_mm\n", "1.2.3,1,2,3,8")]
)
def test_columns_are_known_in_whatever_case(
    tmp_path: Path, change: Callable[[str], str], header: str, row: str
) -> None:
    plain = read_nodules(table(tmp_path, header + row))
    assert read_nodules(table(tmp_path, change(header) + row, "other.csv")) == plain


def test_columns_that_differ_by_their_case_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected each column once, got x_mm twice"):
        read_nodules(table(tmp_path, "nodule_id,x_mm,X_MM,y_mm,z_mm,diameter_mm\na,1,1,2,3,8\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "a,1,2,3,8\nb,abc,2,3,8\n", r"row 3: expected a number of mm in column x_mm, got 'abc'"),
        (HEADER + "a,1,nan,3,8\n", r"row 2: expected a number of mm in column y_mm, got 'nan'"),
        (HEADER + "a,1,2,inf,8\n", r"row 2: expected a number of mm in column z_mm, got 'inf'"),
        (HEADER + "a,1,2,,8\n", r"row 2: expected a value in column z_mm, got an empty cell"),
        (HEADER + ",1,2,3,8\n", r"row 2: expected a value in column nodule_id"),
        (HEADER + "a,1,2,3\n", r"row 2: expected 5 cells, got 4"),
        (HEADER + "a,1,2,3,8,9\n", r"row 2: expected 5 cells, got 6"),
        (HEADER + "a,1,2,3,0\n", r"row 2: expected diameter_mm above 0 and at most 100, got 0"),
        (HEADER + "a,1,2,3,450\n", r"row 2: .* got 450"),
        (HEADER + "a,1,2,3,8\n\na,1,2,4,8\n", r"row 4: expected each nodule_id once, got 'a' again \(first in row 2\)"),
        (HEADER, r"expected at least one row"),
        ("", r"expected a table with a header, got an empty file"),
        ("nodule_id,x_mm,y_mm,z_mm\na,1,2,3\n", r"got no diameter_mm in nodule_id,x_mm"),
        ("seriesuid,coordX,coordY,diameter_mm\n1.2,1,2,3\n", r"got no coordZ"),
        ("nodule_id,x_mm,x_mm\na,1,2\n", r"expected each column once, got x_mm twice"),
    ],
)
def test_a_bad_table_is_refused_by_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=r"nodules\.csv.*" + message) as caught:
        read_nodules(table(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_or_undecodable_table_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_nodules(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\xe9,1,2,3,8\n")
    with pytest.raises(UsageError, match="expected UTF-8 text, got byte 0xe9"):
        read_nodules(tmp_path / "latin.csv")


def test_a_table_of_several_cases_must_be_told_which(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER.replace("\n", ",case\n") + "a,1,2,3,8,one\na,4,5,6,7,two\n")
    assert read_nodules(path, case="two").nodules == (Nodule("a", (4, 5, 6), 7, case_id="two"),)
    with pytest.raises(UsageError, match="those of 2: name one"):
        read_nodules(path)
    with pytest.raises(UsageError, match="expected nodules of case 'three', got those of one, two"):
        read_nodules(path, case="three")


LUNA16 = (
    "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,-100.5,67.2,-231.8,6.44\n1.2.9,1,2,3,4\n1.2.3,46,73,-30,5.5\n"
)


def test_luna16_rows_are_picked_by_series(tmp_path: Path) -> None:
    path = table(tmp_path, LUNA16)
    by_series = read_nodules(path, series_uid="1.2.3")
    assert by_series.format == "luna16_csv"
    assert [(nodule.nodule_id, nodule.center_lps_mm) for nodule in by_series.nodules] == [
        ("1", (-100.5, 67.2, -231.8)),
        ("2", (46, 73, -30)),
    ]
    assert read_nodules(path, case="1.2.3").nodules == by_series.nodules
    with pytest.raises(InputRefusedError, match=r"frame_mismatch.*1\.2\.4"):
        read_nodules(path, series_uid="1.2.4")


DETECTED = {
    "image": "/data/scan_7.nii.gz",
    "box": [[10.0, 20.0, -30.0, 8.0, 8.0, 8.0], [1.0, 2.0, 3.0, 4.0, 6.0, 9.0]],
    "label": [0, 0],
    "label_scores": [0.97, 0.08],
}


def test_detected_boxes_become_nodules(tmp_path: Path) -> None:
    found = read_nodules(as_json(tmp_path, [DETECTED]))
    first, second = found.nodules
    assert (found.format, found.frame) == ("detection_json", "LPS")
    assert first.center_lps_mm == (10, 20, -30)
    assert first.diameter_mm == pytest.approx(8)
    assert first.box_lps_mm == (6, 16, -34, 14, 24, -26)
    assert (first.detection_score, first.case_id, first.attributes) == (0.97, "scan_7", {"label": "0"})
    assert second.diameter_mm == pytest.approx(6)


def test_a_score_threshold_leaves_out_and_says_so(tmp_path: Path) -> None:
    found = read_nodules(as_json(tmp_path, DETECTED), min_score=0.5)
    assert [nodule.nodule_id for nodule in found.nodules] == ["1"]
    assert found.notes == ("1 of 2 left out: score below 0.5",)


def test_boxes_written_in_ras_are_turned_with_low_below_high(tmp_path: Path) -> None:
    nodule = read_nodules(as_json(tmp_path, DETECTED), frame="RAS").nodules[1]
    assert nodule.center_lps_mm == (-1, -2, 3)
    assert nodule.box_lps_mm == (-3, -5, -1.5, 1, 1, 7.5)


def test_ground_truth_splits_without_scores_are_read(tmp_path: Path) -> None:
    truth = {"image": "b/1.2.3.nii.gz", "box": [[1, 2, 3, 4, 4, 4]], "label": [0]}
    path = as_json(tmp_path, {"training": [DETECTED], "validation": [truth]})
    assert read_nodules(path, case="1.2.3").nodules[0].detection_score is None


def test_our_json_is_read(tmp_path: Path) -> None:
    entry = {
        "nodule_id": "n",
        "center_lps_mm": [1, 2, 3],
        "diameter_mm": 8,
        "box_lps_mm": [0, 0, 0, 4, 4, 6],
        "age": 70,
    }
    expected = Nodule("n", (1, 2, 3), 8, box_lps_mm=(0, 0, 0, 4, 4, 6), attributes={"age": "70"})
    for content in ([entry], entry, {"nodules": [entry]}):
        found = read_nodules(as_json(tmp_path, content))
        assert (found.format, found.nodules) == ("nodulus_json", (expected,))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "got an empty list"),
        ([1], "entry 1: expected an object, got 1"),
        ([{"nodule_id": "a"}], "entry 1: expected center_lps_mm"),
        ([{"nodule_id": "a", "center_lps_mm": [1, 2], "diameter_mm": 3}], r"expected 3 numbers of mm in center_lps_mm"),
        ([{"nodule_id": "a", "center_lps_mm": [1, 2, "x"], "diameter_mm": 3}], "expected a number in center_lps_mm"),
        ([{"nodule_id": "a", "center_lps_mm": [1, 2, 3], "diameter_mm": -3}], "expected diameter_mm above 0"),
        (
            [{"nodule_id": "a", "center_lps_mm": [1, 2, 3], "diameter_mm": 3}] * 2,
            "entry 2: expected each nodule_id once",
        ),
        ({**DETECTED, "label_scores": [1]}, "entry 1: expected 2 values in label_scores, one a box, got 1"),
        ({**DETECTED, "box": [[1, 2, 3, 4, 5]] * 2}, "entry 1 box 1: expected six numbers"),
        ({**DETECTED, "box": [[1, 2, 3, 4, 5, 0]] * 2}, "entry 1 box 1: expected a box with sizes above 0"),
        ({**DETECTED, "box": 3}, "entry 1: expected a list in box"),
    ],
)
def test_bad_json_is_refused_by_entry(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(UsageError, match=r"nodules\.json.*" + message):
        read_nodules(as_json(tmp_path, content))


def test_broken_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nodules\.json: expected JSON, got .*line 1"):
        read_nodules(table(tmp_path, "[{", "nodules.json"))


def test_positions_may_be_arrays() -> None:
    mapping = {"nodule_id": 7, "center_lps_mm": np.array([1.0, 2, 3]), "diameter_mm": np.float32(8)}
    assert nodule_from_mapping(mapping) == Nodule("7", (1, 2, 3), 8)


def test_a_box_with_low_above_high_is_refused() -> None:
    with pytest.raises(UsageError, match="low x, y, z, high x, y, z"):
        Nodule("a", (1, 2, 3), 8, box_lps_mm=(5, 0, 0, 1, 1, 1))


@pytest.mark.parametrize(("key", "what"), [("series_uid", "series"), ("frame_of_reference_uid", "frame of reference")])
def test_nodules_of_another_scan_are_refused(key: str, what: str) -> None:
    def volume(uid: str) -> CTVolume:
        return CTVolume(Grid((1, 1, 1), np.eye(4)), lambda a, b: np.zeros((1, 1, b - a), np.float32), "ct", {key: uid})

    nodule = Nodule("a", (0, 0, 0), 5, **{key: "1.2.3"})  # type: ignore[arg-type]  # both are strings
    check_belongs([nodule], volume("1.2.3"))
    check_belongs([Nodule("b", (0, 0, 0), 5)], volume("1.2.4"))
    with pytest.raises(InputRefusedError, match=f"scan's {what} 1.2.4, got 1.2.3") as caught:
        check_belongs([nodule], volume("1.2.4"))
    assert caught.value.problem.code is ProblemCode.FRAME_MISMATCH
