"""The record of the phantom and of two real scans is what it was, whatever was rebuilt inside.

``known_results.json`` holds the cases of the results.json that nodulus wrote before its folders were parted into rooms,
with the scores of bundle 0.8.0, without the paths. It is written anew only where a score is meant to
change; fields that records have since gained are not looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nodulus.pipeline import Scorer
from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study

KNOWN: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "known_results.json").read_text())


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle)


def test_the_phantom_gives_the_known_record(scorer: Scorer, tmp_path: Path) -> None:
    study = write_demo_study(tmp_path, PhantomSpec())
    check_record(scorer, "phantom", study.dicom_folder, study.nodule_table)


@pytest.mark.parametrize("patient", ["LIDC-IDRI-0001", "LIDC-IDRI-0003"])
def test_a_real_scan_gives_the_known_record(scorer: Scorer, data_dir: Path, tmp_path: Path, patient: str) -> None:
    nodules = KNOWN[patient][0]["nodules"]
    table = tmp_path / "nodules.csv"
    rows = [[each["nodule_id"], *each["center_lps_mm"], each["diameter_mm"]] for each in nodules]
    table.write_text("nodule_id,x_mm,y_mm,z_mm,diameter_mm\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    check_record(scorer, patient, data_dir / "lidc_dicom" / f"{patient}.zip", table)


def check_record(scorer: Scorer, name: str, scan: Path, table: Path) -> None:
    (known,) = KNOWN[name]
    found = scorer.score(scan, table, case_id=known["case_id"]).model_dump(mode="json")
    # The record grows: what it did not know then is not compared.
    now, then = flat(found), flat(known)
    assert {place: now.get(place) for place in then} == pytest.approx(then, abs=1e-6)


def flat(record: object, at: str = "") -> dict[str, Any]:
    """Return every value of a record by its path."""
    if isinstance(record, dict):
        return {name: value for key, each in record.items() for name, value in flat(each, f"{at}.{key}").items()}
    if isinstance(record, list):
        return {name: value for k, each in enumerate(record) for name, value in flat(each, f"{at}[{k}]").items()}
    return {at: record}
