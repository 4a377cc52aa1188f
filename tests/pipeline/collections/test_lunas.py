"""LUNA16 and LUNA25 in their own layouts: names, patients, ratings by place, diameters that are measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nodulus.pipeline.command.main import run
from nodulus.pipeline.data.data_list import read_data_list
from tests.support.marked_scans import LIDC_UID, Ball, write_image, write_table

BALLS = (Ball((30.0, 34.0, 16.0), 9.0), Ball((40.0, 40.0, 20.0), 6.0))
UIDS = [LIDC_UID.format(1000 + n) for n in range(4)]
ALLOW = ("--allow", "not_hounsfield,too_few_slices")


@pytest.fixture(scope="module")
def luna16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("luna16")
    for n, uid in enumerate(UIDS):
        write_image(root / f"subset{n % 2}" / f"{uid}.mhd", BALLS, seed=n)
    rows = []
    for uid in UIDS:
        for ball in BALLS:
            x, y, z = ball.center_lps_mm
            rows.append({"seriesuid": uid, "coordX": x, "coordY": y, "coordZ": z, "diameter_mm": ball.diameter_mm})
    write_table(root / "annotations.csv", rows)
    return root


def ratings(path: Path) -> Path:
    """Write the ratings of three series, of two patients; the large nodule's place is 2 mm off, the small one's 9."""
    rows = []
    for n, uid in enumerate(UIDS[:3]):
        for ball, off_mm, said in ((BALLS[0], 2.0, "5|4|4|3"), (BALLS[1], 9.0, "1|1|2")):
            x, y, z = ball.center_lps_mm + np.asarray([off_mm, 0, 0])
            row = {"series_uid": uid, "patient_id": f"LIDC-IDRI-000{min(n, 1)}", "malignancy": said, "margin": "4|4|5"}
            rows.append(row | {"center_x_mm": x, "center_y_mm": y, "center_z_mm": z})
    return write_table(path, rows)


def test_luna16_takes_patient_and_ratings_of_the_rated_nodule_at_the_place(
    luna16: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["prepare", "luna16", "--annotations", str(luna16 / "annotations.csv"), "--images", str(luna16)]
    rated = ["--ratings", str(ratings(tmp_path / "ratings.csv")), "--folds", "2", "-o", str(tmp_path / "list.json")]
    assert run([*words, *ALLOW, *rated]) == 0
    assert "5 of 8 nodules are in the list without a label" in capfd.readouterr().out
    items = [item for _, item in read_data_list(tmp_path / "list.json").items()]
    large = {(item.model_extra or {})["series_uid"]: item for item in items if item.diameter_mm == 9.0}
    assert {uid: item.patient_id for uid, item in large.items()} == dict(
        zip(UIDS, ("LIDC-IDRI-0000", "LIDC-IDRI-0001", "LIDC-IDRI-0001", UIDS[3]), strict=True)
    )
    assert large[UIDS[0]].ratings == (5, 4, 4, 3)
    assert large[UIDS[0]].label == 1
    assert dict(large[UIDS[0]].characteristics or {}) == {"margin": (4, 4, 5)}
    assert large[UIDS[3]].label is None
    assert {item.label for item in items if item.diameter_mm == 6.0} == {None}  # 9 mm away is another nodule


def test_two_scans_of_a_patient_stand_in_one_split(luna16: Path, tmp_path: Path) -> None:
    words = ["prepare", "luna16", "--annotations", str(luna16 / "annotations.csv"), "--images", str(luna16)]
    rated = ["--ratings", str(ratings(tmp_path / "ratings.csv")), "-o", str(tmp_path / "list.json")]
    for fold in ("0", "1", "2"):
        assert run([*words, *ALLOW, *rated, "--folds", "3", "--fold", fold]) == 0
        data = read_data_list(tmp_path / "list.json")
        splits = {split for split, item in data.items() if (item.model_extra or {})["series_uid"] in UIDS[1:3]}
        assert len(splits) == 1


def test_luna16_takes_the_ratings_of_a_list_of_lidc(luna16: Path, tmp_path: Path) -> None:
    x, y, z = BALLS[1].center_lps_mm
    item: dict[str, object] = {
        "image": "a.nii.gz",
        "nodule_id": "n",
        "patient_id": "LIDC-IDRI-0007",
        "center_lps_mm": [x, y, z],
    }
    item |= {"diameter_mm": 6.1, "label": 0, "ratings": [2, 2, 1], "series_uid": UIDS[2]}
    (tmp_path / "lidc.json").write_text(json.dumps({"training": [item], "validation": [], "test": []}))
    words = ["prepare", "luna16", "--annotations", str(luna16 / "annotations.csv"), "--images", str(luna16)]
    more = ["--ratings", str(tmp_path / "lidc.json"), "--test-patients", "all", "-o", str(tmp_path / "list.json")]
    assert run([*words, *ALLOW, *more]) == 0
    rated = [item for item in read_data_list(tmp_path / "list.json").test if item.ratings]
    assert [(one.patient_id, one.ratings, one.label, one.diameter_mm) for one in rated] == [
        ("LIDC-IDRI-0007", (2, 2, 1), 0, 6.0)
    ]


def test_luna25_is_read_as_published_and_its_diameters_are_measured(tmp_path: Path) -> None:
    rows = []
    for n in range(4):
        patient, date, uid = 100471 + n // 2, f"{1999 + n % 2}0102", f"1.2.840.113654.2.55.{n + 1}"
        write_image(tmp_path / "luna25_images" / f"{uid}.mha", BALLS, seed=n)
        for m, ball in enumerate(BALLS):
            x, y, z = ball.center_lps_mm
            rows.append(
                {
                    "PatientID": patient,
                    "SeriesInstanceUID": uid,
                    "StudyDate": date,
                    "CoordX": x,
                    "CoordY": y,
                    "CoordZ": z,
                    "LesionID": m + 1,
                    "AnnotationID": f"{patient}_{m + 1}_{date}",
                    "NoduleID": f"{patient}_{m + 1}",
                    "label": int(m == 0),
                    "Age_at_StudyDate": 61 + n % 2,
                    "Gender": "Female",
                }
            )
    table = write_table(tmp_path / "LUNA25_Public_Training_Development_Data.csv", rows)
    words = ["prepare", "luna25", "--table", str(table), "--images", str(tmp_path / "luna25_images"), "--folds", "2"]
    assert run([*words, *ALLOW, "-o", str(tmp_path / "list.json")]) == 0
    data = read_data_list(tmp_path / "list.json")
    items = {item.nodule_id: (split, item) for split, item in data.items()}
    assert set(items) == {row["AnnotationID"] for row in rows}
    assert items["100471_1_19990102"][0] == items["100471_1_20000102"][0]  # one patient, two screens
    for row in rows:
        item = items[str(row["AnnotationID"])][1]
        assert (item.label, item.patient_id) == (row["label"], str(row["PatientID"]))
        assert item.diameter_mm == pytest.approx(9.0 if item.label else 6.0, rel=0.25)
        extra = item.model_extra or {}
        assert (extra["patient_age"], extra["patient_sex"]) == (row["Age_at_StudyDate"], "F")
        assert extra["series_uid"] == row["SeriesInstanceUID"]
