"""Settings and crops so small that a training takes seconds and learns nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

TINY: dict[str, Any] = {
    "batch_size": 4,
    "patch_size": 17,
    "start_weights": "",
    "network_def::layers": [1, 1, 1, 1],
    "network_def::block_inplanes": [4, 4, 8, 8],
    "train::dataset::num_workers": 0,
    "validate::dataset::num_workers": 0,
}
EVALUATED = {key: value for key, value in TINY.items() if not key.startswith(("train", "validate", "batch"))}


def write_crop(path: Path, radius_mm: float) -> None:
    """Write a crop of a sphere of soft tissue in lung, 20 x 20 x 10 voxels, about the LPS origin."""
    spacing = np.asarray([1.0, 1.0, 2.0])
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (20, 20, 10)], indexing="ij"), axis=-1)
    away_mm = np.linalg.norm((index - (9.5, 9.5, 4.5)) * spacing, axis=-1)
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[:3, 3] = np.diag([1, 1, -1]) @ (np.asarray([9.5, 9.5, 4.5]) * spacing)
    nib.save(nib.Nifti1Image(np.where(away_mm < radius_mm, 40, -850).astype(np.int16), affine), path)


def write_tiny_list(folder: Path) -> Path:
    """Write a list of 16 patients with a small benign and a large malignant nodule each, and an undecided one more."""
    splits: dict[str, list[dict[str, Any]]] = {"training": [], "validation": []}
    for index in range(33):
        label, radius_mm = (None, 4.0) if index == 32 else (index % 2, (2.5 + index % 3, 6.0 + index % 3)[index % 2])
        write_crop(folder / f"{index}.nii.gz", radius_mm)
        item = {
            "image": f"{index}.nii.gz",
            "nodule_id": f"nodule {index}",
            "patient_id": f"patient {index // 2}",
            "center_lps_mm": [0.0, 0.0, 0.0],
            "diameter_mm": 2 * radius_mm,
            "box_lps_mm": [-radius_mm] * 3 + [radius_mm] * 3,
            "label": label,
            "ratings": [3, 3] if label is None else [1 + 4 * label, 2 + label],
        }
        splits["training" if index % 32 < 20 else "validation"].append(item)
    path = folder / "list.json"
    path.write_text(json.dumps(splits))
    return path
