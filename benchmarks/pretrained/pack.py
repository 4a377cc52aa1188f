"""All crops of the collection in one file, with what is to be learnt of each and who validates in which fold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.transforms.geometry import swap_lps_ras_points

from .views import boxes_about

CHANCES = (0.0, 0.25, 0.5, 0.75, 1.0)
FOLDS = (0, 1, 2)  # those that settings are judged on; the patients of 3 and 4 stay untouched


def pack(crops: Path, out: Path) -> None:
    """Write the crops that train or validate, their targets and labels (-1: undecided), and the validation nodules."""
    wanted: dict[str, dict[str, Any]] = {}
    labels: dict[str, int | None] = {}
    validates = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.json"
        for fold in FOLDS:
            prepare_lidc(crops, path, fold=fold)
            for split in ("training", "validation"):
                wanted |= {item["nodule_id"]: item for item in load_data_list(path, split, rating_chances=CHANCES)}
                labels |= {item["nodule_id"]: item["label"] for item in load_data_list(path, split)}
            validates.append({item["nodule_id"] for item in load_data_list(path, "validation")})
    names = sorted(wanted)
    items = [wanted[name] for name in names]
    images = [nib.load(crops / "images" / f"{name}.nii.gz") for name in names]
    boxes = [boxes_about(item["center_lps_mm"], item["diameter_mm"], item["box_lps_mm"]) for item in items]
    np.savez_compressed(
        out,
        voxels=np.concatenate([np.asarray(image.dataobj).astype(np.int16).ravel() for image in images]),
        sizes=np.array([image.shape for image in images]),
        affines_ras=np.array([image.affine for image in images]),
        centers_ras=np.array([swap_lps_ras_points(item["center_lps_mm"]) for item in items]),
        boxes=np.array(boxes),
        targets=np.array([item["label"] for item in items], dtype=np.float32),
        labels=np.array([-1 if labels[name] is None else labels[name] for name in names]),
        validates=np.array([[name in held for name in names] for held in validates]),
    )
