"""What the patient adds, on scores and patients whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ceiling.nodules import Scored
from benchmarks.lidc.folds import FoldKey
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.patient import page
from benchmarks.patient.measure import local_nodules, measure_patient
from benchmarks.patient.page import END, PAGE, RECORD, START, write_page
from benchmarks.places import RECORDS
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.files import sha256_of

N = 90


def scored(is_sex_told_by_the_label: bool) -> Scored:
    """Return nodules whose score is a coin; the sex of two in three is known, and tells the label or nothing."""
    generator = np.random.default_rng(0)
    items = []
    for k in range(N):
        is_malignant = k % 2 == 1
        is_male = is_malignant if is_sex_told_by_the_label and generator.random() < 0.9 else generator.random() < 0.5
        sex = ("M" if is_male else "F") if k % 3 else ""
        items.append(
            DataListItem.model_validate(
                {
                    "image": f"n{k}.nii.gz",
                    "nodule_id": f"n{k}",
                    "patient_id": f"p{k // 2 if k % 4 < 2 else k}",
                    "center_lps_mm": (0.0, 0.0, 0.0),
                    "diameter_mm": float(generator.uniform(4, 20)),
                    "ratings": (5, 5, 4) if is_malignant else (1, 1, 2),
                    "patient_sex": sex,
                    "patient_age": 60.0 + k % 5 if k % 3 else None,
                }
            )
        )
    folds = {0: {item.nodule_id: FoldKey(0, 0) for item in items}}
    return Scored(tuple(items), np.arange(N), generator.uniform(0.3, 0.7, (1, N)), folds)


@pytest.mark.parametrize("tells", [True, False])
def test_a_sex_that_tells_the_label_is_shown_to_help_and_one_that_does_not_is_not(tells: bool) -> None:
    found = measure_patient(local_nodules(scored(tells)), ["sex"])
    for group in found.values():
        (sex,) = group["trials"]
        assert sex["is_kept"] == tells
        assert group["together"]["has_helped"] == tells
    n_known = sum(k % 3 > 0 for k in range(N))
    assert [group["nodules"] for group in found.values()] == [N, n_known]
    assert found["all nodules"]["trials"][0]["known"] == n_known


def test_the_committed_page_is_of_the_record_and_that_of_the_committed_scores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = json.loads(RECORD.read_text())
    assert record["made_from"][SCORE_FILE] == sha256_of(RECORDS / SCORE_FILE), "make bench-patient CROPS=FOLDER"
    before = PAGE.read_text()
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text(before)
    write_page(record)
    assert (tmp_path / "page.md").read_text() == before
    assert before.index(START) < before.index(END)
