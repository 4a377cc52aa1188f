"""Nodule files that are damaged, endless or no nodule files: one line each, in bounded time and memory."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from pydicom import dcmread

from nodulus.pipeline.nodules import nodule_file, table_rows
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.scoring.cases import Case, read_cases
from nodulus.transforms.problems import NodulusError, UsageError
from tests.support.nodule_files import FORMATS, write_nodule_file
from tests.support.nodule_objects import item

HEADER = "nodule_id,x_mm,y_mm,z_mm,diameter_mm\n"
# A curve of great area that turns out of every plane.
BENT = [{"position": corner} for corner in ([0, 0, 0], [50, 0, 0], [50, 50, 50], [0, 50, -50], [0, 0, 80])]
NODULE = '{"nodule_id": "a", "center_lps_mm": [1, 2, 3], "diameter_mm": 8}'


def refused(path: Path) -> str:
    with pytest.raises(NodulusError) as caught:
        read_nodules(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).lower().count("expected a file of nodules") <= 1
    return str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_what_has_no_end_is_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert refused(tmp_path / "pipe.csv") == f"Expected a file of nodules, got a pipe: {tmp_path / 'pipe.csv'}"
    assert refused(Path("/dev/zero")) == "Expected a file of nodules, got a device: /dev/zero"
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    assert "got a device" in refused(tmp_path / "link.csv")


@pytest.mark.parametrize("name", ["sparse.csv", "sparse.json", "sparse.dcm", "sparse.fcsv", "sparse.mrk.json"])
def test_a_file_of_gigabytes_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    starts = {".dcm": b"\0" * 128 + b"DICM", ".csv": HEADER.encode(), ".fcsv": b"# Markups"}
    with (tmp_path / name).open("wb") as file:
        file.write(starts.get(Path(name).suffix, b"[") + b"1")
        file.truncate(6 << 30)
    started = time.process_time()
    assert f"got {6 << 30} bytes" in refused(tmp_path / name)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.xlsx", b"PK\x03\x04" + b"\x8a" * 60, "a spreadsheet (.xlsx): save it as CSV"),
        ("a.csv", b"PK\x03\x04 [Content_Types].xml xl/workbook.xml", "a spreadsheet (.csv): save it as CSV"),
        ("a.ods", b"PK\x03\x04mimetype", "a spreadsheet (.ods): save it as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 8, "an old Excel workbook (.xls): save it as CSV"),
        ("a.zip", b"PK\x03\x04" + b"scan/1.dcm", "a zip archive: unpack it"),
        ("a.tar", b"scan".ljust(257, b"\0") + b"ustar\x0000", "a tar archive: unpack it"),
        ("a.tar.gz", b"\x1f\x8b\x08" + b"\0" * 20, "a gzip file that holds no NIfTI image: unpack it"),
        ("a.pdf", b"%PDF-1.7", "a PDF"),
        ("a.png", b"\x89PNG\r\n", "a PNG picture"),
        *((f"a.{kind}", b"\n<!DOCTYPE html><html>404</html>", "an HTML page") for kind in ("json", "csv", "mrk.json")),
        ("a.json", b"\xef\xbb\xbf<HTML><body>Sign in", "an HTML page"),
        ("a.json", "<html>".encode("utf-16"), "an HTML page"),
        ("a.csv", b'<?xml version="1.0"?><LidcReadMessage/>', "an XML file"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS"),
    ],
)
def test_what_is_no_nodule_file_is_named(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert f"{name}: expected a file of nodules, got {what}" in refused(tmp_path / name)


@pytest.mark.parametrize(("text", "what"), [("not found", "a text that begins 'not found'"), ("\n", "an empty file")])
def test_what_is_called_json_and_is_none_is_told_so(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "n.json").write_text(text)
    assert f"n.json: expected JSON, got {what}" in refused(tmp_path / "n.json")


def test_another_encoding_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_bytes((HEADER + "Gr\u00f6\u00dfe,1,2,3,8\n").encode("latin-1"))
    assert "expected UTF-8 text, got byte 0xf6 (save it as 'CSV UTF-8')" in refused(tmp_path / "n.csv")


def test_a_folder_and_a_link_to_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert "Expected a file of nodules, got a folder: " in refused(tmp_path / "folder")
    assert "got a link to a folder: " in refused(tmp_path / "link")
    assert "No such file" in refused(tmp_path / "none.csv")
    assert "got a path that no file can have: " in refused(Path("a\0b"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        (NODULE.replace('"a"', "[" * 40 + "]" * 40), "nested too deep"),
        ("{", "expected JSON, got something else at line 1, column 2"),
        (NODULE.replace("8", "8" * 400), "expected a number in diameter_mm, got 8888"),
        (NODULE.replace("8", "8" * 5000), "expected JSON"),
        (NODULE.replace("1, 2", f"1{'0' * 400}, 2"), "expected a number in center_lps_mm"),
        (NODULE.replace('"a"', r'"\ud800"'), "half a surrogate pair"),
        (NODULE.replace("8", "true"), "expected a number in diameter_mm, got True"),
        (NODULE.replace("8", "NaN"), "finite number"),
        (NODULE.replace("8", '"1_0"'), "expected a number in diameter_mm, got '1_0'"),
        (NODULE.replace("[1, 2, 3]", '{"x": 1}'), "expected 3 numbers of mm"),
        ('[{"image": 3, "box": [[1, 2, 3, 1' + "0" * 400 + ", 4, 5]]}]", "expected six numbers"),
        ('{"markups": [3]}', "markup 1: expected an object"),
        (json.dumps({"markups": [{"type": "ClosedCurve", "controlPoints": BENT}]}), "its points lie in no plane"),
        ('{"markups": [{"type": "Line", "controlPoints": [{"position": [1e999, 2, 3]}]}]}', "expected 3 finite"),
        ('{"markups": [{"type": "ROI", "center": [1, 2], "size": "x"}]}', "expected 3 numbers"),
    ],
)
def test_hostile_json_ends_in_a_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "n.json").write_text(content)
    assert message in refused(tmp_path / "n.json")


def test_tables_have_a_bound_on_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert table_rows.MAX_ROWS >= 10_000
    assert nodule_file.MAX_TABLE_BYTES <= 1 << 26
    monkeypatch.setattr(table_rows, "MAX_ROWS", 3)
    for n_rows, is_read in ((3, True), (4, False)):
        path = tmp_path / "n.csv"
        path.write_text(HEADER + "".join(f"n{n},1,2,3,8\n" for n in range(n_rows)))
        if is_read:
            assert len(read_nodules(path).nodules) == n_rows
        else:
            assert "expected at most 3 rows, got more" in refused(path)


def test_the_duplicate_checks_are_linear(tmp_path: Path) -> None:
    n_rows = 30_000
    rows = "".join(f"p,ct,n{n},1,2,3,8\n" for n in range(n_rows))
    (tmp_path / "cases.csv").write_text("case_id,input," + HEADER + rows)
    started = time.process_time()
    (case,) = read_cases(tmp_path / "cases.csv")
    assert len(case.nodules) == n_rows
    # Compared pair by pair, 30 000 take a minute.
    assert time.process_time() - started < 15
    with pytest.raises(UsageError, match="'n1' again"):
        Case("p", tmp_path, (*case.nodules, Nodule("n1", (1, 2, 3), 8)))


@pytest.mark.parametrize(
    ("text", "centre"),
    [
        (HEADER.replace(",", ";") + "a;-47,403;-30,171;-169,624;12,823\n", (-47.403, -30.171, -169.624)),
        (HEADER.replace(",", ";") + "a;-47.403;-30,171;-169.624;12,823\n", (-47.403, -30.171, -169.624)),
        (HEADER + 'a,"-47,403","-30,171","-169,624","12,823"\n', (-47.403, -30.171, -169.624)),
        ("sep=;\n" + HEADER.replace(",", ";") + "a;1;2;3;12,823\n", (1, 2, 3)),
        ('"sep=,"\r\n' + HEADER + "a,1,2,3,12.823\r\n", (1, 2, 3)),
        ("\n\nSEP=\t\n" + HEADER.replace(",", "\t") + "a\t1\t2\t3\t12.823\n", (1, 2, 3)),
        (HEADER.replace(",", "\t") + "a\t1,5\t2,5\t-3,5\t12,823\n", (1.5, 2.5, -3.5)),
        (HEADER.replace(",", "|") + "a|1,5|2,5|-3,5|12,823\n", (1.5, 2.5, -3.5)),
        (HEADER.replace(",", " , ") + "a , 1.5\xa0, 2.5 ,\N{MINUS SIGN}3.5,\t12.823\0\n", (1.5, 2.5, -3.5)),
        ((HEADER + "a,1,2,3,12.823\n").replace("\n", "\r"), (1, 2, 3)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_dialects_of_tables_say_the_same(
    tmp_path: Path, text: str, centre: tuple[float, float, float], encoding: str
) -> None:
    path = tmp_path / "n.csv"
    path.write_bytes(text.encode(encoding))
    assert read_nodules(path).nodules == (Nodule("a", centre, 12.823),)


@pytest.mark.parametrize(("text", "row"), [("sep=;\nnodule_id;x_mm;y_mm;z_mm;diameter_mm\n\na;1;2;x;8\n", 4)])
def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path, text: str, row: int) -> None:
    (tmp_path / "n.csv").write_text(text)
    assert f"n.csv row {row}: expected a number of mm in column z_mm, got 'x'" in refused(tmp_path / "n.csv")


@pytest.mark.parametrize("number", ["1.234,5", "1,2,3", "1_0", "0x10", "1e999", "\u0661", "12 mm"])
def test_what_is_no_number_is_refused(tmp_path: Path, number: str) -> None:
    (tmp_path / "n.csv").write_text(HEADER.replace(",", ";") + f"a;1;2;{number};8\n", encoding="utf-8")
    assert "row 2: expected a number of mm in column z_mm" in refused(tmp_path / "n.csv")


@pytest.mark.parametrize("diameter_mm", ["0.8", "0.0128", "0.999"])
def test_a_diameter_below_a_millimetre_is_another_unit(tmp_path: Path, diameter_mm: str) -> None:
    (tmp_path / "n.csv").write_text(HEADER + f"a,1,2,3,{diameter_mm}\n")
    assert "in another unit (cm, m)?" in refused(tmp_path / "n.csv")
    (tmp_path / "n.json").write_text(NODULE.replace("8", diameter_mm))
    assert "in another unit (cm, m)?" in refused(tmp_path / "n.json")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with some changed, cut, doubled or swapped."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(data)) if len(data) else 0
        how = chance.randrange(5)
        if how == 0 and data:
            data[at] = chance.randrange(256)
        elif how == 1:
            data[at : at + 2] = chance.choice((b"\xff\xff", b"\0\0", b"\xff\x7f"))
        elif how == 2:
            del data[at : at + chance.randrange(1, 40)]
        elif how == 3:
            data[at:at] = data[at : at + chance.randrange(1, 40)]
        elif chance.random() < 0.2:
            del data[at:]
    return bytes(data)


def outcome(path: Path) -> str:
    """Return what reading a file ends in: nothing, or the one line that refuses it."""
    try:
        read_nodules(path)
    except NodulusError as error:
        return str(error)
    return ""


def test_mutated_files_are_read_or_refused_in_a_line(tmp_path: Path) -> None:
    chance = random.Random(int(os.environ.get("NODULUS_FUZZ_SEED", "7")))
    n_tries = int(os.environ.get("NODULUS_FUZZ_TRIES", "25"))
    for path in [write_nodule_file(kind, tmp_path) for kind in FORMATS]:
        sound = path.read_bytes()
        for number in range(n_tries):
            broken = tmp_path / f"broken{path.suffix}"
            broken.write_bytes(mutated(sound, chance))
            started = time.process_time()
            assert "\n" not in outcome(broken), (path.name, number)
            assert time.process_time() - started < 20, (path.name, number)


@pytest.mark.parametrize("separator", ['"', "\0", ",", "x", " ", "\t"])
def test_a_stated_separator_of_any_kind_ends_in_a_line(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "n.csv"
    path.write_text(f"sep={separator}\n{HEADER}a,1,2,3,8\n")
    assert "\n" not in outcome(path)
    assert (outcome(path) == "") == (separator == ",")


@pytest.mark.parametrize("name", ["n.csv", "n.fcsv"])
def test_a_quote_left_open_is_told_in_our_words(tmp_path: Path, name: str) -> None:
    rows = HEADER if name == "n.csv" else "# columns = id,x,y,z,label,desc\n"
    (tmp_path / name).write_text(f'{rows}"a,1,2,3,{"8" * 200_000}\n')
    assert f"{name}" in refused(tmp_path / name)
    assert "expected CSV, got a cell of more than 131072 letters" in refused(tmp_path / name)


def test_a_report_nested_without_end_is_told_so(tmp_path: Path) -> None:
    path = write_nodule_file("SR", tmp_path)
    report = dcmread(path)
    for _ in range(100):
        report.ContentSequence = [item("CONTAINER", ContentSequence=report.ContentSequence)]
    report.save_as(path)
    assert "sr.dcm: expected content nested at most 64 deep, got more" in refused(path)
