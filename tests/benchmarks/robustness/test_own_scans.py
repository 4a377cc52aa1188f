"""Thirds of nodules by their scans' grain hold the nodules that they should, and are told as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ceiling.nodules import Scored
from benchmarks.places import RECORDS
from benchmarks.robustness import page
from benchmarks.robustness.own_scans import grain_of, thirds
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.evaluation.record import DIAMETER, NETWORK

N = 90


def nodules() -> Scored:
    """Nodules whose score is right in the first two thirds and wrong in the last; of each the diameter says nothing."""
    items, margins = [], []
    for number in range(N):
        label = number % 2
        items.append(
            DataListItem(
                image=f"{number}.nii.gz",
                nodule_id=f"n{number}",
                patient_id=f"p{number}",
                center_lps_mm=(0.0, 0.0, 0.0),
                diameter_mm=8.0,
                ratings=(5, 5, 4) if label else (1, 2, 1),
            )
        )
        is_right = number < 60
        margins.append(0.9 if label == is_right else 0.1)
    return Scored(tuple(items), np.arange(N), np.asarray([margins]), {})


def test_thirds_are_of_the_lowest_the_middle_and_the_highest() -> None:
    found = thirds(np.arange(N, dtype=np.float64) * 1.5, nodules())
    assert [group["auc"][NETWORK]["value"] for group in found] == [1.0, 1.0, 0.0]
    assert [group["auc"][DIAMETER]["value"] for group in found] == [0.5] * 3
    assert [(group["from"], group["to"]) for group in found] == [(0.0, 43.5), (45.0, 88.5), (90.0, 133.5)]
    assert [group["less_diameter"]["value"] for group in found] == [0.5, 0.5, -0.5]
    assert {group["counts"]["malignant"] for group in found} == {15}


def test_what_cannot_be_told_is_in_no_third() -> None:
    values = np.where(np.arange(N) % 3 == 0, np.nan, np.arange(N))
    assert sum(group["counts"]["nodules"] for group in thirds(values, nodules())) == N - N // 3


def test_a_real_crop_tells_its_grain(data_dir: Path, tmp_path: Path) -> None:
    item = read_crops(data_dir / "lidc_nodules", tmp_path)[0]
    grain = grain_of(item, tmp_path)
    assert 5 < grain.quiet_hu < 300
    assert -0.3 < grain.near_correlation < 0.9


def test_the_page_is_that_of_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.md"
    path.write_text(page.PAGE.read_text())
    monkeypatch.setattr(page, "PAGE", path)
    page.write_page(json.loads((RECORDS / "robustness.json").read_text()))
    assert path.read_text() == (RECORDS / "robustness.md").read_text()
