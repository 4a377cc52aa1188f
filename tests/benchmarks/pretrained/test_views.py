"""Patches cut by the batch are those that the bundle's transforms cut one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch

from benchmarks.pretrained.views import Crops, Draw, Grid, boxes_about, plain, randomised
from nodulus.pipeline.data.lidc import CROPS_MAY_BE
from nodulus.transforms.geometry import swap_lps_ras_points
from nodulus.transforms.patches.dictionary import Item, NodulePatchd, OpenCTd

GRID = Grid((17, 17, 9), (0.8, 0.8, 1.3))
NODULES: list[dict[str, Any]] = [
    {"center_lps_mm": (3.0, -4.5, 7.2), "diameter_mm": 6.0, "box_lps_mm": [-1.0, -8.0, 5.0, 7.0, -1.0, 9.0]},
    {"center_lps_mm": (9.0, 2.0, 4.0), "diameter_mm": 11.0, "box_lps_mm": [4.0, -3.0, 4.0, 14.0, 7.0, 4.0]},
]


@pytest.fixture
def crops(tmp_path: Path) -> tuple[Crops, list[Path]]:
    """Two crops of noise of different size, direction and spacing."""
    random = np.random.default_rng(3)
    affines = [np.diag([-0.7, -0.7, 2.0, 1.0]), np.diag([0.9, -0.6, 1.25, 1.0])]
    sizes = [(30, 28, 9), (26, 40, 12)]
    paths, voxels = [], []
    for index, (affine, size, nodule) in enumerate(zip(affines, sizes, NODULES, strict=True)):
        middle = affine[:3, :3] @ (np.asarray(size) / 2)
        affine[:3, 3] = swap_lps_ras_points(nodule["center_lps_mm"]) - middle + 1.3
        voxels.append(random.integers(-1000, 500, size).astype(np.int16))
        paths.append(tmp_path / f"{index}.nii.gz")
        image = nib.Nifti1Image(voxels[-1], affine)
        image.header.set_xyzt_units("mm")
        nib.save(image, paths[-1])
    np.savez(
        tmp_path / "crops.npz",
        voxels=np.concatenate([each.ravel() for each in voxels]),
        sizes=np.array(sizes),
        affines_ras=np.array(affines),
        centers_ras=np.array([swap_lps_ras_points(nodule["center_lps_mm"]) for nodule in NODULES]),
        boxes=np.array([boxes_about(**nodule) for nodule in NODULES]),
        targets=np.zeros((2, 10), np.float32),
    )
    return Crops.read(str(tmp_path / "crops.npz"), "cpu"), paths


@pytest.mark.parametrize("box", [0, 1])
def test_plain_patches_are_the_bundles(crops: tuple[Crops, list[Path]], box: int) -> None:
    held, paths = crops
    patches = plain(held, np.arange(2), box, GRID)
    cut = NodulePatchd("image", GRID.size, GRID.spacing_mm)
    for patch, path, nodule in zip(patches, paths, NODULES, strict=True):
        item: Item = {"image": str(path)} | dict(nodule.items())
        if box:
            item.pop("box_lps_mm")
        expected = cut(OpenCTd("image", allow=CROPS_MAY_BE)(item))["image"].as_tensor()
        torch.testing.assert_close(patch, ((expected + 1000) / 2000).clamp(0, 1), rtol=0, atol=1e-4)


def test_random_patches_differ_and_show_nothing_outside_the_box(crops: tuple[Crops, list[Path]]) -> None:
    held, _ = crops
    random = np.random.default_rng(0)
    still = Draw(tilt_rad=0, scale=0, shift_mm=0, jitter_mm=(0, 0, 0))
    shown = [plain(held, np.array([0]), box, GRID)[0, 0] > 0 for box in (0, 1)]
    widest = (shown[0] | shown[1]).any(dim=0).any(dim=0).nonzero()
    patches = randomised(held, np.zeros(12, np.int64), GRID, still, random)
    assert len({patch.sum().item() for patch in patches}) == 12
    z = (patches.abs() > 0).any(dim=0)[0].any(dim=0).any(dim=0).nonzero()
    mirrored = {int(widest.min()), int(widest.max()), 8 - int(widest.min()), 8 - int(widest.max())}
    assert min(mirrored) <= int(z.min()) <= int(z.max()) <= max(mirrored)
