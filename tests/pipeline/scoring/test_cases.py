"""Tables of cases: grouped in order, paths relative to the table, errors by row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.scoring.cases import Case, is_cases_table, read_cases
from nodulus.transforms.problems import UsageError

HEADER = "case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm\n"
ROWS = "p2,scans/b.nii,1,1,2,3,8\np1,scans/a,1,4,5,6,7\np2,scans/b.nii,2,7,8,9,10\n"


def table(folder: Path, text: str, name: str = "cases.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def expected(folder: Path) -> list[Case]:
    first = Nodule("1", (1, 2, 3), 8, case_id="p2")
    second = Nodule("2", (7, 8, 9), 10, case_id="p2")
    return [
        Case("p2", folder / "scans" / "b.nii", (first, second)),
        Case("p1", folder / "scans" / "a", (Nodule("1", (4, 5, 6), 7, case_id="p1"),)),
    ]


def test_rows_are_gathered_by_case_in_their_order(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER + ROWS)
    assert is_cases_table(path)
    assert read_cases(path) == expected(tmp_path)


def test_json_rows_and_json_cases_say_the_same(tmp_path: Path) -> None:
    keys = HEADER.strip().split(",")
    rows = [dict(zip(keys, line.split(","), strict=True)) for line in ROWS.split()]
    nested = [
        {
            "case_id": "p2",
            "input": "scans/b.nii",
            "nodules": [
                {"nodule_id": "1", "center_lps_mm": [1, 2, 3], "diameter_mm": 8},
                {"nodule_id": "2", "x_mm": 7, "y_mm": 8, "z_mm": 9, "diameter_mm": 10},
            ],
        },
        {
            "case_id": "p1",
            "input": "scans/a",
            "nodules": [{"nodule_id": 1, "center_lps_mm": [4, 5, 6], "diameter_mm": 7}],
        },
    ]
    for content in (rows, nested, {"cases": nested}):
        path = table(tmp_path, json.dumps(content), "cases.json")
        assert is_cases_table(path)
        assert read_cases(path) == expected(tmp_path)


def test_parquet_says_the_same_as_csv_in_all_digits(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    arrow = pytest.importorskip("pyarrow")
    text = table(tmp_path, HEADER + "p2,b.nii,1,0.1,2.30000000000000004,-3,8\n007,a,7,4,5,6,1.5e1\n")
    names = HEADER.strip().split(",")
    values = [["p2", "007"], ["b.nii", "a"], [1, 7], [0.1, 4.0], [2.30000000000000004, 5.0], [-3, 6], [8.0, 15]]
    path = tmp_path / "cases.parquet"
    parquet.write_table(arrow.table(values, names=["Case_ID", *names[1:]]), path)
    assert is_cases_table(path)
    assert read_cases(path) == read_cases(text)
    for wrong, message in ((b"PAR1", "expected a Parquet table"), (b"", "cases.parquet")):
        path.write_bytes(wrong)
        assert not is_cases_table(path)
        with pytest.raises(UsageError, match=message):
            read_cases(path)


def test_a_dictionary_that_stands_for_long_texts_is_bounded(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    arrow = pytest.importorskip("pyarrow")
    path = tmp_path / "cases.parquet"
    parquet.write_table(arrow.table({"input": arrow.array(["x" * 100_000] * 5_000).dictionary_encode()}), path)
    assert path.stat().st_size < 1 << 24
    with pytest.raises(UsageError, match="expected at most 64 MiB once read"):
        read_cases(path)


def test_a_pattern_is_all_tables_that_fit_it(tmp_path: Path) -> None:
    first, *rest = ROWS.splitlines(keepends=True)
    (tmp_path / "more").mkdir()
    table(tmp_path, HEADER + first + rest[1], "b.csv")
    table(tmp_path / "more", HEADER + rest[0], "a.csv")
    whole = read_cases(tmp_path / "b.csv") + read_cases(tmp_path / "more" / "a.csv")
    assert is_cases_table(tmp_path / "**" / "*.csv")
    assert read_cases(tmp_path / "**" / "*.csv") == whole
    table(tmp_path / "more", HEADER + first, "c.csv")
    with pytest.raises(UsageError, match=r"expected each case in one table, got 'p2' in b\.csv and c\.csv"):
        read_cases(tmp_path / "**" / "*.csv")
    table(tmp_path, "no table", "d.csv")
    assert not is_cases_table(tmp_path / "**" / "*.csv")
    assert not is_cases_table(tmp_path / "*.none")


def test_a_name_with_letters_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER + ROWS, "cases [1].csv")
    assert read_cases(path) == expected(tmp_path)


def test_an_absolute_input_stays(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER + f"p,{tmp_path / 'ct.nii'},1,1,2,3,8\n")
    assert read_cases(path)[0].input == tmp_path / "ct.nii"


def test_a_case_without_nodules_is_a_case(tmp_path: Path) -> None:
    path = table(tmp_path, json.dumps([{"case_id": "p", "input": "a", "nodules": []}]), "cases.json")
    assert read_cases(path) == [Case("p", tmp_path / "a", ())]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "p,a,1,1,2,3,8\np,b,2,1,2,3,8\n", "row 3: expected the input 'a' of case 'p', got 'b'"),
        (HEADER + "p,a,1,1,2,3,8\np,a,1,1,2,3,8\n", "row 3: expected each nodule_id once"),
        (HEADER + "p,a,1,x,2,3,8\n", "row 2: expected a number of mm in column x_mm, got 'x'"),
        (HEADER + ",a,1,1,2,3,8\n", "row 2: expected a value in column case_id"),
        (HEADER + "p,,1,1,2,3,8\n", "row 2: expected a value in column input"),
        ("case_id,input\np,a\n", "got no nodule_id, x_mm, y_mm, z_mm, diameter_mm in case_id,input"),
    ],
)
def test_a_bad_csv_is_refused_by_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"cases\.csv.*{message}"):
        read_cases(table(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "got an empty one"),
        ([{"case_id": "p"}], "entry 1: expected case_id and input, got case_id"),
        ([{"case_id": "p", "input": "a", "nodules": 3}], "entry 1: expected a list of objects in nodules"),
        ([{"case_id": "p", "input": "a", "nodules": [{"nodule_id": 1}]}], "entry 1: expected center_lps_mm"),
    ],
)
def test_a_bad_json_is_refused_by_entry(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(UsageError, match=rf"cases\.json.*{message}"):
        read_cases(table(tmp_path, json.dumps(content), "cases.json"))


def test_other_files_are_no_cases_table(tmp_path: Path) -> None:
    assert not is_cases_table(tmp_path)
    assert not is_cases_table(tmp_path / "none.csv")
    assert not is_cases_table(table(tmp_path, "", "empty.csv"))
    assert not is_cases_table(table(tmp_path, "{", "broken.json"))
    assert not is_cases_table(table(tmp_path, "nodule_id,x_mm,y_mm,z_mm,diameter_mm\na,1,2,3,4\n", "nodules.csv"))
    assert not is_cases_table(table(tmp_path, '[{"nodule_id": 1}]', "nodules.json"))
