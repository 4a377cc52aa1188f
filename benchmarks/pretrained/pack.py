"""All crops of the collection in one file, with what is to be learnt of each and who trains where."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.transforms.geometry import swap_lps_ras_points

from .views import boxes_about

CHANCES = (0.0, 0.25, 0.5, 0.75, 1.0)
FOLDS = (0, 1, 2)  # the folds that settings are judged on; 3 and 4 stay untouched


def pack(crops: Path, out: Path) -> None:
    """Write the crops that train or validate, their targets, and the three folds' validation nodules."""
    items = {}
    validates = []
    with tempfile.TemporaryDirectory() as folder:
        for fold in FOLDS:
            prepare_lidc(crops, Path(folder) / "list.json", fold=fold)
            path = Path(folder) / "list.json"
            for split in ("training", "validation"):
                for item in load_data_list(path, split, rating_chances=CHANCES):
                    items.setdefault(item["nodule_id"], item)
            labelled = load_data_list(path, "validation")
            validates.append({item["nodule_id"] for item in labelled})
            labels = {item["nodule_id"]: item["label"] for item in labelled} | (labels if fold else {})
            training = load_data_list(path, "training")
            labels = {item["nodule_id"]: item["label"] for item in training} | labels
    names = sorted(items)
    images = [nib.load(crops / "images" / f"{name}.nii.gz") for name in names]
    np.savez_compressed(
        out,
        voxels=np.concatenate([np.asarray(image.dataobj).astype(np.int16).ravel() for image in images]),
        sizes=np.array([image.shape for image in images]),
        affines_ras=np.array([image.affine for image in images]),
        centers_ras=np.array([swap_lps_ras_points(items[name]["center_lps_mm"]) for name in names]),
        boxes=np.array(
            [boxes_about(items[n]["center_lps_mm"], items[n]["diameter_mm"], items[n]["box_lps_mm"]) for n in names]
        ),
        targets=np.array([items[name]["label"] for name in names], dtype=np.float32),
        labels=np.array([-1 if labels[name] is None else labels[name] for name in names]),
        diameters_mm=np.array([items[name]["diameter_mm"] for name in names]),
        validates=np.array([[name in held for name in names] for held in validates]),
        names=np.array(names),
    )
