"""Any table becomes a list: columns by name, positions of every kind, patients kept together, leaks refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.data.data_list import DataList, read_data_list
from nodulus.transforms.scan.open import open_ct
from tests.support.marked_scans import Ball, write_image, write_series, write_table

BALLS = (Ball((30.0, 34.0, 16.0), 9.0), Ball((40.0, 40.0, 20.0), 6.0))
N_PATIENTS = 6
ALLOW = ("--allow", "not_hounsfield,too_few_slices")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scans")
    for n in range(N_PATIENTS):
        write_image(root / f"site{n % 2}" / f"scan_{n}.mha", BALLS, seed=n)
    return root


def rows(center: str = "lps", n_patients: int = N_PATIENTS) -> list[dict[str, object]]:
    """Return two nodules a patient, the large one malignant, with positions of a kind."""
    found = []
    for n in range(n_patients):
        for m, ball in enumerate(BALLS):
            x, y, z = ball.voxel if center == "voxel" else ball.center_lps_mm * ([-1, -1, 1] if center == "ras" else 1)
            row: dict[str, object] = {"who": f"P{n}", "file": f"scan_{n}.mha", "a": x, "b": y, "c": z}
            found.append(row | {"mm": ball.diameter_mm, "cancer": "YES" if m == 0 else "no", "Age": 60 + n})
    return found


NAMED = ("--patient", "who", "--image", "file", "--x", "a", "--y", "b", "--z", "c", "--diameter", "mm", *ALLOW)


def made(tmp_path: Path, scans: Path, table: list[dict[str, object]], *options: str) -> DataList:
    path = write_table(tmp_path / "table.csv", table)
    words = ["prepare", "table", "--table", str(path), "--images", str(scans), "-o", str(tmp_path / "list.json")]
    assert run([*words, *NAMED, "--folds", "3", *options]) == 0
    return read_data_list(tmp_path / "list.json")


@pytest.mark.parametrize("kind", ["lps", "ras", "voxel"])
def test_a_crop_holds_the_nodule_where_the_table_says(kind: str, scans: Path, tmp_path: Path) -> None:
    data = made(tmp_path, scans, rows(kind), "--position", kind, "--label", "cancer", "--keep", "patient_age=Age")
    items = [item for _, item in data.items()]
    assert len(items) == 2 * N_PATIENTS
    for item in items:
        ball = BALLS[0] if item.label else BALLS[1]
        assert item.center_lps_mm == pytest.approx(ball.center_lps_mm, abs=1e-6)
        assert item.diameter_mm == ball.diameter_mm
        assert (item.model_extra or {})["patient_age"] == 60 + int(item.patient_id[1:])
        crop = open_ct(tmp_path / item.image, allow=["too_few_slices", "not_hounsfield"], expect_lung=False)
        i, j, k = np.rint(crop.grid.voxel_from_lps(item.center_lps_mm)).astype(int)
        hu = crop.read_all()
        assert hu[i, j, k] > -50
        whole = open_ct(
            scans / f"site{int(item.patient_id[1:]) % 2}" / f"scan_{item.patient_id[1:]}.mha", allow=["not_hounsfield"]
        )
        low = np.rint(whole.grid.voxel_from_lps(crop.grid.origin_lps_mm)).astype(int)
        assert np.array_equal(hu, whole.read_region(low.tolist(), (low + hu.shape).tolist()))


def test_patients_stand_in_one_split_and_every_nodule_in_one(scans: Path, tmp_path: Path) -> None:
    data = made(tmp_path, scans, rows(), "--label", "cancer", "--test-patients", " p5 ")
    of = {split: {item.patient_id for item in getattr(data, split)} for split in ("training", "validation", "test")}
    assert of["test"] == {"P5"}
    assert sorted(name for split in of.values() for name in split) == [f"P{n}" for n in range(N_PATIENTS)]
    assert len(of["validation"]) in (1, 2)
    assert json.loads((tmp_path / "list.json").read_text())["data_hash"] == data.data_hash


def test_where_no_label_is_named_the_mean_rating_says_it(scans: Path, tmp_path: Path) -> None:
    table = rows()
    for row in table:
        row["readers"] = {"YES": "5|4|4", "no": "1|2"}[str(row["cancer"])]
    table[0]["readers"], table[2]["readers"] = "2|4", ""
    items = {item.nodule_id: item for _, item in made(tmp_path, scans, table, "--ratings", "readers").items()}
    assert (items["P2_1"].label, items["P2_1"].ratings) == (1, (5, 4, 4))
    assert (items["P2_2"].label, items["P2_2"].ratings) == (0, (1, 2))
    assert (items["P0_1"].label, items["P0_1"].ratings) == (None, (2, 4))
    assert (items["P1_1"].label, items["P1_1"].ratings) == (None, None)


def test_all_may_test(scans: Path, tmp_path: Path) -> None:
    data = made(tmp_path, scans, rows(), "--label", "cancer", "--test-patients", "all")
    assert (len(data.training), len(data.validation), len(data.test)) == (0, 0, 2 * N_PATIENTS)


def test_one_patient_may_be_written_in_two_ways_and_stays_together(scans: Path, tmp_path: Path) -> None:
    table = rows()
    table[1]["who"] = " p0 "
    data = made(tmp_path, scans, table, "--label", "cancer")
    assert len({item.patient_id for _, item in data.items()}) == N_PATIENTS


@pytest.mark.parametrize("copied", [False, True], ids=["same file", "copy under another name"])
def test_a_scan_of_two_patients_is_refused(
    copied: bool, scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(scans, tmp_path / "scans"))
    table = rows()
    if copied:
        shutil.copy(root / "site0" / "scan_0.mha", root / "site1" / "scan_1.mha")
    else:
        table[2]["file"] = "scan_0.mha"
    path = write_table(tmp_path / "table.csv", table)
    words = ["prepare", "table", "--table", str(path), "--images", str(root), "-o", str(tmp_path / "list.json")]
    assert run([*words, *NAMED]) == 2
    said = capfd.readouterr().err
    assert "Expected each scan of one patient" in said
    assert "P0 (nodule P0_1) and P1 (nodule P1_1)" in said
    assert not (tmp_path / "list.json").exists()


def test_what_is_not_stated_is_measured_and_what_cannot_be_is_left_out_with_its_reason(
    scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = rows()
    table[0]["mm"] = ""
    table[2] |= {"mm": "", "a": 0.0, "b": 40.0, "c": -94.0}  # lung
    table[4] |= {"a": 500.0}
    data = made(tmp_path, scans, table, "--label", "cancer")
    by_name = {item.nodule_id: item for _, item in data.items()}
    assert by_name["P0_1"].diameter_mm == pytest.approx(BALLS[0].diameter_mm, rel=0.25)
    assert (by_name["P0_1"].model_extra or {})["diameter_measured"] is True
    assert set(by_name) == {f"P{n}_{m}" for n in range(N_PATIENTS) for m in (1, 2)} - {"P1_1", "P2_1"}
    reasons = {one["nodule_id"]: one["reason"] for one in (data.model_extra or {})["left_out"]}
    assert reasons["P1_1"].startswith("Expected a diameter, got none and none can be measured")
    assert reasons["P2_1"].startswith("nodule_outside: Expected a centre inside the scan")
    assert "left out: P2_1: nodule_outside" in capfd.readouterr().out


def test_a_position_may_count_slices_by_instance_number(tmp_path: Path) -> None:
    table = []
    for n in range(3):
        uid = f"1.2.826.0.1.3680043.8.498.7.{n}"
        write_series(tmp_path / "NLST" / f"10{n}" / "series", f"10{n}", uid, BALLS, seed=n)
        for m, ball in enumerate(BALLS):
            i, j, k = ball.voxel
            table.append(
                {
                    "pid": f"10{n}",
                    "study_yr": 0,
                    "sct_ab_num": m + 1,
                    "SeriesInstanceUID": uid,
                    "x": i,
                    "y": j,
                    "sct_slice_num": k + 1,
                    "sct_long_dia": ball.diameter_mm,
                    "label": float(1 - m),
                }
            )
    path = write_table(tmp_path / "marked.csv", table)
    words = ["prepare", "table", "--layout", "nlst", "--table", str(path), "--images", str(tmp_path / "NLST")]
    assert run([*words, "--folds", "3", *ALLOW, "-o", str(tmp_path / "list.json")]) == 0
    data = read_data_list(tmp_path / "list.json")
    items = {item.nodule_id: item for _, item in data.items()}
    assert set(items) == {f"10{n}_0_{m}" for n in range(3) for m in (1, 2)}
    assert items["101_0_1"].center_lps_mm == pytest.approx(BALLS[0].center_lps_mm, abs=1e-6)
    assert items["101_0_1"].label == 1
    assert items["101_0_2"].label == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cancer": "perhaps"}, "row 2: expected cancer as one of 0, benign"),
        ({"file": "scan_9.mha"}, "row 2: Expected one scan called scan_9.mha below"),
        ({"file": "../../etc/passwd"}, "row 2: Expected one scan called ../../etc/passwd below"),
        ({"a": "far"}, "row 2: expected a number of mm in column a, got 'far'"),
        ({"who": ""}, "row 2: expected a value in column who"),
    ],
)
def test_a_bad_cell_is_named(
    change: dict[str, object], message: str, scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = rows()
    table[0] |= change
    path = write_table(tmp_path / "table.csv", table)
    words = ["prepare", "table", "--table", str(path), "--images", str(scans), "-o", str(tmp_path / "list.json")]
    assert run([*words, *NAMED, "--label", "cancer"]) == 2
    assert message in capfd.readouterr().err


def test_a_missing_column_is_named(scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path / "table.csv", rows())
    words = ["prepare", "table", "--table", str(path), "--images", str(scans), "-o", str(tmp_path / "list.json")]
    assert run([*words, *NAMED, "--label", "malignancy"]) == 2
    assert "Expected a column malignancy in table.csv, got who, file, a" in capfd.readouterr().err
