"""A chest passes in silence; a scan without lung is warned of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nodulus.transforms.gate.lung import lung_warning
from nodulus.transforms.geometry import Grid
from nodulus.transforms.problems import ProblemCode
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume, volume_from_array


def body(inside_hu: float, radius: float) -> CTVolume:
    """Return a cylinder of tissue in air with a smaller cylinder of something in it."""
    x, y = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64), indexing="ij")
    distance = np.hypot(x, y)[:, :, None].repeat(20, axis=2)
    voxels: NDArray[np.float32] = np.where(distance < 0.8, 40.0, -1000.0).astype(np.float32)
    voxels[distance < radius] = inside_hu
    return volume_from_array(voxels, Grid((64, 64, 20), np.eye(4)))


@pytest.mark.parametrize(
    ("inside_hu", "radius", "is_warned"), [(-850, 0.5, False), (-995, 0.5, True), (-850, 0.1, True)]
)
def test_lung_is_air_of_its_own_kind_and_size(inside_hu: float, radius: float, is_warned: bool) -> None:
    problem = lung_warning(body(inside_hu, radius))
    assert (problem is not None) == is_warned
    if problem is not None:
        assert problem.code == ProblemCode.NO_LUNG


def test_real_chests_pass_and_the_abdomen_is_warned_of(data_dir: Path) -> None:
    for name in ("lidc_dicom/LIDC-IDRI-0001.zip", "lidc_dicom/LIDC-IDRI-0003.zip", "chest_nifti/chest_cta.nii.gz"):
        assert lung_warning(open_ct(data_dir / name)) is None
    assert lung_warning(open_ct(data_dir / "chest_nifti" / "abdomen_no_lung.nii.gz")) is not None


def test_only_a_few_slices_are_read() -> None:
    volume = body(40, 0.5)
    read: list[int] = []

    def counting(k_start: int, k_stop: int) -> NDArray[np.float32]:
        read.extend(range(k_start, k_stop))
        return volume.read_slab(k_start, k_stop)

    lung_warning(CTVolume(volume.grid, counting, "counted"))
    assert len(read) == 6
