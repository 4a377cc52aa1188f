"""A small benchmark in the form of the published one: balls with masks, in one repeat of five folds."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

N_FOLDS = 5


@pytest.fixture(scope="session")
def ball_benchmark(tiny_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny crops with masks and a table of published scores: repeat 1, two patients in each fold."""
    folder = tmp_path_factory.mktemp("benchmark") / "crops"
    shutil.copytree(tiny_crops, folder)
    (folder / "masks").mkdir()
    with (folder / "nodules.csv").open(newline="") as lines:
        nodules = list(csv.DictReader(lines))
    for row in nodules:
        image = nib.load(folder / "images" / f"{row['nodule_id']}.nii.gz")
        mask = (np.asarray(image.dataobj) > -400).astype(np.int16)
        nib.save(nib.Nifti1Image(mask, image.affine), folder / "masks" / f"{row['nodule_id']}.nii.gz")
    rows = [_published_row(row["nodule_id"], index) for index, row in enumerate(nodules)]
    with (folder / "published_scores.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def _published_row(nodule_id: str, index: int) -> dict[str, object]:
    """Return the row of the nodule at an index: two a patient, every second one malignant."""
    label = index % 2
    scores = {"densenet121": 0.9 * label + 0.05, "efficientnet_b0": 0.5, "vit_small": 0.1 + index / 40}
    return {"nodule_id": nodule_id, "rep": 1, "fold": index // 2 % N_FOLDS, "label": label, **scores}
