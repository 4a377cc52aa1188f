"""The page on other people's data, from its first command to the last, on small copies of each collection's layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.data.training_patients import read_training_patients
from tests.support.marked_scans import LIDC_UID, Ball, Outlined, lidc_xml, write_image, write_series, write_table
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "your-own-data.md"
LARGE, SMALL = Ball((30.0, 34.0, 16.0), 9.0), Ball((42.0, 44.0, 24.0), 6.0)
N_PATIENTS = 15


def write_hospital(folder: Path) -> None:
    rows = []
    for n in range(N_PATIENTS):
        write_image(folder / "scans" / f"ct_{n}.mha", (LARGE, SMALL), seed=n)
        for ball, label in ((LARGE, "adenocarcinoma"), (SMALL, "granuloma")):
            x, y, z = ball.center_lps_mm
            row = {"mrn": f"M{n}", "file": f"ct_{n}.mha", "x": x, "y": y, "z": z, "size_mm": ball.diameter_mm}
            rows.append(row | {"pathology": label, "age": 50 + n, "sex": "female"})
    write_table(folder / "nodules.csv", rows)


def write_lidc(folder: Path) -> None:
    (folder / "tcia-lidc-xml").mkdir()
    for n in range(2):
        uid = LIDC_UID.format(200 + n)
        place = folder / "LIDC-IDRI" / f"LIDC-IDRI-020{n}" / "study" / "3000566.000000-NA-03192"
        spec = write_series(place, f"LIDC-IDRI-020{n}", uid, (LARGE, SMALL), seed=50 + n)
        readers = [(Outlined(LARGE, 4), Outlined(SMALL, 2)) for _ in range(3)]
        (folder / "tcia-lidc-xml" / f"{n}.xml").write_text(lidc_xml(spec, readers))


def write_lunas(folder: Path) -> None:
    rows16, rows25 = [], []
    for n in range(2):
        uid = LIDC_UID.format(200 + n)
        write_image(folder / "LUNA16" / "subset0" / f"{uid}.mhd", (LARGE, SMALL), seed=50 + n)
        write_image(folder / "luna25_images" / f"1.2.840.113654.2.55.{n}.mha", (LARGE, SMALL), seed=70 + n)
        for m, ball in enumerate((LARGE, SMALL)):
            x, y, z = ball.center_lps_mm
            rows16.append({"seriesuid": uid, "coordX": x, "coordY": y, "coordZ": z, "diameter_mm": ball.diameter_mm})
            rows25.append(
                {
                    "PatientID": 100 + n,
                    "SeriesInstanceUID": f"1.2.840.113654.2.55.{n}",
                    "StudyDate": 19990102,
                    "CoordX": x,
                    "CoordY": y,
                    "CoordZ": z,
                    "LesionID": m,
                    "AnnotationID": f"{100 + n}_{m}_19990102",
                    "NoduleID": f"{100 + n}_{m}",
                    "label": 1 - m,
                    "Age_at_StudyDate": 61,
                    "Gender": "Male",
                }
            )
    write_table(folder / "LUNA16" / "annotations.csv", rows16)
    write_table(folder / "LUNA25_Public_Training_Development_Data.csv", rows25)


def write_nlst(folder: Path) -> None:
    rows = []
    for n in range(2):
        uid = f"1.2.840.113654.2.55.9{n}"
        write_series(folder / "NLST" / f"10{n}" / "series", f"10{n}", uid, (LARGE, SMALL), seed=90 + n)
        for m, ball in enumerate((LARGE, SMALL)):
            i, j, k = ball.voxel
            row = {"pid": f"10{n}", "study_yr": 0, "sct_ab_num": m, "SeriesInstanceUID": uid, "x": i, "y": j}
            rows.append(row | {"sct_slice_num": int(k) + 1, "sct_long_dia": ball.diameter_mm, "label": 1 - m})
    write_table(folder / "nlst_marked.csv", rows)


@pytest.mark.slow
def test_the_page_leads_from_scans_and_a_table_to_a_fine_tuned_network(tmp_path: Path) -> None:
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    for write in (write_hospital, write_lidc, write_lunas, write_nlst):
        write(tmp_path)
    for block in blocks(PAGE):
        run_block(block, tmp_path)
    out = tmp_path / "out"
    lists = {name: read_data_list(out / f"{name}.json") for name in ("own", "all", "lidc", "luna16")}
    counts = {name: len(list(data.items())) for name, data in lists.items()}
    assert counts == {"own": 2 * N_PATIENTS, "all": 2 * N_PATIENTS, "lidc": 4, "luna16": 4}
    assert {item.label for _, item in lists["luna16"].items()} == {0, 1}
    for run in ("tuned", "frozen"):
        assert (out / run / "model.pt").is_file()
        known = read_training_patients(out / run / "training_patients.json")
        assert known.knows("LIDC-IDRI-0004") or known.earlier is not None
    assert (out / "tuned2" / "init_patients.json").is_file()
    assert (out / "as-it-is" / "metrics.json").is_file()
