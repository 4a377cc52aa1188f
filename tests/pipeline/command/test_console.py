"""What reaches the terminal: marks, one legend, a refusal's reason only, and nothing that acts there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results

HOSTILE = "a\x1b[31m\x9bH\x07\u202eb\u2066\u2028"
# Control characters, marks that turn the direction of text, and further ends of lines.
ACTS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
COLUMNS = ("nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")


def table_of(study: DemoStudy, path: Path, signs: tuple[int, int, int] = (1, 1, 1)) -> Path:
    """Write the phantom's nodules with the signs of their coordinates changed."""
    rows = [
        (one.nodule_id, *(sign * value for sign, value in zip(signs, one.center_lps_mm, strict=True)), one.diameter_mm)
        for one in study.marked.nodules
    ]
    path.write_text(csv_text(COLUMNS, rows), encoding="utf-8")
    return path


def rows_of(text: str, study: DemoStudy) -> dict[str, str]:
    """Return the table's lines by nodule."""
    ids = {one.nodule_id for one in study.marked.nodules}
    return {words[0]: line for line in text.splitlines() if (words := line.split()) and words[0] in ids}


def test_ras_read_as_lps_is_said_in_one_line_and_marked_by_infer_and_check(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table, out = table_of(study, tmp_path / "ras.csv", (-1, -1, 1)), str(tmp_path / "out")
    n = len(study.marked.nodules)
    says = f"; as RAS {n} of {n} lie in lung"
    run(["infer", str(study.dicom_folder), "--nodules", str(table), "-o", out])
    said = capfd.readouterr()
    (line,) = [line for line in said.err.splitlines() if "frame_doubtful" in line]
    assert says in line
    rows = rows_of(said.out, study)
    assert len(rows) == n
    assert all(" ! " in row for row in rows.values())
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    assert [warning.code for warning in case.warnings].count("frame_doubtful") == 1

    assert run(["check", str(study.dicom_folder), "--nodules", str(table), "-o", out]) == 0
    (line,) = [line for line in capfd.readouterr().out.splitlines() if "frame_doubtful" in line]
    assert says in line
    assert run(["infer", str(study.dicom_folder), "--nodules", str(table), "--frame", "RAS", "-o", out]) == 0
    assert "frame_doubtful" not in capfd.readouterr().err


def test_right_nodules_have_ratings_in_their_row_and_one_legend(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["infer", str(study.dicom_folder), "--nodules", str(study.nodule_table), "-o", str(tmp_path)]) == 0
    said = capfd.readouterr()
    assert "frame_doubtful" not in said.err
    case = read_results(tmp_path / "results.json").cases[0]
    rows = rows_of(said.out, study)
    for nodule in case.nodules:
        assert rows[nodule.nodule_id].split()[-1] == f"{nodule.characteristics['texture']:.1f}"
        assert (" ! " in rows[nodule.nodule_id]) == bool(nodule.flags)
    assert said.out.count("spiculation") == 1


def test_a_refused_scan_gives_its_reason_and_nothing_else(
    study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(study.dicom_folder, broken)
    for path in sorted(broken.iterdir())[40:43]:
        path.unlink()
    assert run(["infer", str(broken), "--nodules", str(study.nodule_table), "-o", str(tmp_path / "out")]) == 3
    said = capfd.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("nodulus: broken: refused: missing_slices: ")
    assert (tmp_path / "out" / "results.json").is_file()


def test_nothing_that_acts_reaches_the_terminal(
    study: DemoStudy, bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scan = tmp_path / f"scan{HOSTILE}.nii.gz"
    shutil.copy(study.nifti, scan)
    x, y, z = study.marked.nodules[0].center_lps_mm
    nodule = {"nodule_id": HOSTILE, "center_lps_mm": [x, y, z], "diameter_mm": 2.0, "age": HOSTILE}
    far = {"nodule_id": f"far{HOSTILE}", "center_lps_mm": [900, y, z], "diameter_mm": 9}
    cases = [{"case_id": f"case{HOSTILE}", "input": scan.name, "nodules": [nodule, far]}]
    (tmp_path / "n.json").write_text(json.dumps([nodule, far]))
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    evil = tmp_path / f"bundle{HOSTILE}"
    shutil.copytree(bundle, evil)
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    changed = metadata | {"version": HOSTILE, "score_meaning": f"means {HOSTILE}"}
    (evil / "configs" / "metadata.json").write_text(json.dumps(changed))
    out = str(tmp_path / f"out{HOSTILE}")
    for words in (
        ["infer", str(scan), "--nodules", str(tmp_path / "n.json"), "--bundle", str(evil), "-o", out],
        ["infer", str(tmp_path / "cases.json"), "-o", out],
        ["infer", str(scan), "--nodules", str(tmp_path / "n.json"), "-o", out, "--json"],
        ["infer", str(tmp_path / "cases.json"), "-o", out, "--json", "--quiet"],
        ["check", str(scan), "--nodules", str(tmp_path / "n.json"), "-o", out],
        ["check", str(scan), "--json"],
        ["info", "--bundle", str(evil)],
        ["check", str(tmp_path / f"gone{HOSTILE}")],
        ["info", "--bundle", str(tmp_path / f"gone{HOSTILE}")],
    ):
        run(words)
        said = capfd.readouterr()
        assert said.out + said.err
        assert not ACTS.search(said.out + said.err), words
    table = Path(out) / "results.csv"
    assert not ACTS.search(table.read_text(encoding="utf-8"))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_name_that_the_terminal_cannot_show_is_escaped(encoding: str, study: DemoStudy, tmp_path: Path) -> None:
    place = tmp_path / "肺"
    shutil.copytree(study.dicom_folder, place)
    command = [sys.executable, "-m", "nodulus", "check", str(place)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "LANG": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"\\u80ba: accepted" in done.stdout
    assert b"Traceback" not in done.stderr
