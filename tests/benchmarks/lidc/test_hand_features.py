"""Tests of the six hand features, on bodies of known shape."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.lidc.hand_features import FEATURES, features_of, hand_features
from nodulus.pipeline.data.lidc import read_crops
from nodulus.transforms.problems import UsageError

SPACINGS_MM = [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5)]


def ellipsoid(half_axes_mm: tuple[float, float, float], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    reach = [int(half / step) + 2 for half, step in zip(half_axes_mm, spacing_mm, strict=True)]
    axes = [np.arange(-n, n + 1) * step for n, step in zip(reach, spacing_mm, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    a, b, c = half_axes_mm
    return np.asarray((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 <= 1)


def features(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> dict[str, float]:
    return features_of(np.where(mask, 30.0, -800.0), mask, spacing_mm)


@pytest.mark.parametrize("spacing_mm", SPACINGS_MM)
def test_features_of_a_ball_are_those_of_a_ball(spacing_mm: tuple[float, float, float]) -> None:
    found = features(ellipsoid((8, 8, 8), spacing_mm), spacing_mm)
    assert found["log_volume_mm3"] == pytest.approx(np.log(4 / 3 * np.pi * 8**3), abs=0.05)
    assert found["axial_diameter_mm"] == pytest.approx(16, abs=1.5)
    assert found["sphericity"] == pytest.approx(1, abs=0.1)
    assert found["flatness"] == pytest.approx(1, abs=0.06)
    assert found["mean_hu"] == 30
    assert found["sd_hu"] == 0


@pytest.mark.parametrize("spacing_mm", SPACINGS_MM)
def test_long_body_is_less_round_and_flatter_than_a_ball(spacing_mm: tuple[float, float, float]) -> None:
    ball, long = (features(ellipsoid(axes, spacing_mm), spacing_mm) for axes in ((8, 8, 8), (20, 5, 5)))
    assert long["sphericity"] < 0.9 * ball["sphericity"]
    assert long["flatness"] == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mirrored_nodule_has_the_same_features(axis: int) -> None:
    rng = np.random.default_rng(0)
    whole = ellipsoid((6, 4, 5), (0.7, 0.7, 2.5))
    mask = whole & (rng.random(whole.shape) < 0.8)
    hu = rng.normal(0, 100, mask.shape)
    mirrored = features_of(np.flip(hu, axis), np.flip(mask, axis), (0.7, 0.7, 2.5))
    assert mirrored == pytest.approx(features_of(hu, mask, (0.7, 0.7, 2.5)))


def test_nodule_of_one_voxel_has_features() -> None:
    mask = np.zeros((5, 5, 1), dtype=bool)
    mask[2, 2, 0] = True
    assert np.isfinite(list(features(mask, (0.7, 0.7, 2.5)).values())).all()


def test_features_are_computed_once_and_anew_when_a_mask_changes(ball_benchmark: Path, tmp_path: Path) -> None:
    crops, cache = tmp_path / "crops", tmp_path / "features.json"
    shutil.copytree(ball_benchmark, crops)
    items = read_crops(crops, tmp_path)[:4]
    first = hand_features(items, crops, cache)
    assert list(first["ball_00"]) == list(FEATURES)
    written_ns = cache.stat().st_mtime_ns
    assert hand_features(items, crops, cache) == first
    assert cache.stat().st_mtime_ns == written_ns
    mask = nib.load(crops / "masks" / "ball_00.nii.gz")
    nib.save(nib.Nifti1Image(np.ones(mask.shape, np.int16), mask.affine), crops / "masks" / "ball_00.nii.gz")
    assert hand_features(items, crops, cache)["ball_00"] != first["ball_00"]


def test_mask_that_is_missing_empty_or_of_another_grid_is_refused_by_name(ball_benchmark: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    shutil.copytree(ball_benchmark, crops)
    items = read_crops(crops, tmp_path)[:1]
    path = crops / "masks" / "ball_00.nii.gz"
    mask = nib.load(path)
    for content, message in (
        (np.zeros(mask.shape, np.int16), "got no voxel in .*ball_00"),
        (np.ones((3, 3, 3), np.int16), r"on the grid of its image \(30, 30, 8\), got \(3, 3, 3\) in .*ball_00"),
    ):
        nib.save(nib.Nifti1Image(content, mask.affine), path)
        with pytest.raises(UsageError, match=message):
            hand_features(items, crops, tmp_path / "features.json")
    path.unlink()
    with pytest.raises(UsageError, match="Expected the mask of nodule ball_00, found no"):
        hand_features(items, crops, tmp_path / "features.json")
