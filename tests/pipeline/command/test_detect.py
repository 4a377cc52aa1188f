"""`nodulus detect` and `infer --detector`: what they say, what they write, how they end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.detection_bundle import NAME, SMALL, write_bundle

HEADER = "nodule_id,x_mm,y_mm,z_mm,diameter_mm,detection_score\n"
POINT = ["--point", "72,-14,59", "--diameter", "16"]


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a detection bundle that is sure of nothing: every box scores a few hundredths."""
    return write_bundle(tmp_path_factory.mktemp("untrained"), SMALL)


def last_line(capfd: pytest.CaptureFixture[str]) -> str:
    said = capfd.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def test_nothing_found_is_a_table_of_no_rows_and_no_error(
    study: DemoStudy, untrained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "new" / "none.csv"
    assert run(["detect", str(study.nifti), "--bundle", str(untrained), "-o", str(table)]) == 0
    assert table.read_text() == HEADER
    said, wrote = capfd.readouterr().out.splitlines()
    found_by = rf"no nodules, found by {NAME} 0\.0\.1, weights [0-9a-f]{{12}}"
    assert re.fullmatch(
        rf".*phantom.nii.gz: {found_by}; 0 of \d+ boxes taken(, the best 0\.\d+)?: score 0\.5 or more", said
    )
    assert wrote == f"wrote {table}"


def test_boxes_become_a_table_and_json(
    study: DemoStudy, untrained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "some.csv"
    options = ["--min-score", "0", "--max-nodules", "3", "--json", "--bf16", "--memory", "0.2"]
    assert run(["detect", str(study.nifti), "--bundle", str(untrained), "-o", str(table), *options]) == 0
    told = json.loads(capfd.readouterr().out)
    read = read_nodules(table).nodules
    assert [nodule.nodule_id for nodule in read] == [each["nodule_id"] for each in told["nodules"]] == ["1", "2", "3"]
    for row, each in zip(read, told["nodules"], strict=True):
        assert row.center_lps_mm == pytest.approx(each["center_lps_mm"], abs=1e-3)
        assert row.detection_score == pytest.approx(each["detection_score"], abs=1e-4)


def test_a_scan_without_a_finding_is_scored_as_one_of_no_nodules(
    study: DemoStudy, untrained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = ["--report", "--fhir", "--sr", "--key-images"]
    arguments = ["infer", str(study.dicom_folder), "--detector", str(untrained), "-o", str(tmp_path), *files]
    assert run(arguments) == 0
    (case,) = read_results(tmp_path / "results.json").cases
    assert (case.status, case.nodules) == ("scored", ())
    assert case.nodules_from is not None
    assert case.nodules_from.format == "detection_bundle"
    assert case.nodules_from.notes[0].startswith(f"found by {NAME} 0.0.1, weights ")
    assert re.search(r"0 of \d+ boxes taken", case.nodules_from.notes[1])
    assert "0 of" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--bundle", "absent"], 2, "Expected the folder or zip of a detection bundle, found none at absent"),
        (["--bundle", "{ours}"], 2, "Expected a detection bundle, such as MONAI's lung_nodule_ct_detection, got no"),
        (["--bundle", "{planted}"], 3, "untrusted_bundle: Expected a bundle of which every part is on the allow-list"),
        (["--bundle", "{untrained}", "--min-score", "1.5"], 2, "Invalid value for '--min-score'"),
        (["--bundle", "{untrained}", "--max-nodules", "0"], 2, "Invalid value for '--max-nodules'"),
        (["--bundle", "{untrained}", "--memory", "0"], 2, "Invalid value for '--memory'"),
        ([], 2, "Missing option '--bundle'"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str],
    code: int,
    says: str,
    study: DemoStudy,
    untrained: Path,
    bundle: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    planted = Path(shutil.copytree(untrained, tmp_path / NAME))
    config = planted / "configs" / "inference.json"
    config.write_text(config.read_text().replace('"RetinaNet"', '"os.system"'))
    places = {"ours": bundle, "planted": planted, "untrained": untrained}
    filled = [each.format(**places) for each in arguments]
    assert run(["detect", str(study.nifti), *filled, "-o", str(tmp_path / "t.csv")]) == code
    assert says in last_line(capfd)
    assert not (tmp_path / "t.csv").exists()


def test_a_refused_scan_waits_for_no_network(
    untrained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("not a scan")
    scan = str(tmp_path / "notes.txt")
    assert run(["detect", scan, "--bundle", str(untrained), "-o", str(tmp_path / "t.csv")]) == 3
    assert "unreadable" in last_line(capfd)
    assert run(["detect", "absent", "--bundle", str(untrained), "-o", str(tmp_path / "t.csv")]) == 2
    assert "absent" in last_line(capfd)
    assert run(["infer", scan, "--detector", str(untrained), "-o", str(tmp_path / "out"), "--quiet"]) == 3
    assert "unreadable" in last_line(capfd)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--detector", "{untrained}", *POINT[:2]], "Expected one of --nodules FILE, --point X,Y,Z"),
        (["--detector", "{untrained}", "--nodules", "{table}"], "Expected one of --nodules FILE, --point X,Y,Z"),
        (["--detector", "{untrained}", *POINT[2:]], "Expected no --diameter beside --nodules or --detector"),
        (["--detector", "{untrained}", "--frame", "RAS"], "Expected no --frame RAS beside --detector"),
        ([*POINT, "--max-nodules", "3"], "Expected --detector BUNDLE beside --max-nodules"),
        ([*POINT, "--memory", "3"], "Expected --detector BUNDLE beside --memory"),
        ([*POINT, "--bf16"], "Expected --detector BUNDLE beside --bf16"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str],
    says: str,
    study: DemoStudy,
    untrained: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    filled = [each.format(untrained=untrained, table=study.nodule_table) for each in arguments]
    assert run(["infer", str(study.nifti), *filled, "-o", str(tmp_path / "out")]) == 2
    assert says in last_line(capfd)


def test_a_cases_table_names_its_nodules(untrained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm\na,scan.nii,1,1,2,3,9\n")
    assert run(["infer", str(table), "--detector", str(untrained), "-o", str(tmp_path / "out")]) == 2
    assert "Expected no --nodules, --point or --detector beside the cases table" in last_line(capfd)
