"""An image in memory is the CT that its file would be, under the same rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from nodulus.transforms.images.held_image import is_held_image, open_held_image
from nodulus.transforms.images.read_image import open_image_file
from nodulus.transforms.problems import InputRefusedError, ProblemCode
from tests.support.image_phantom import itk_phantom, phantom_affine_lps, phantom_hu, write_itk, write_nifti


def nibabel_phantom(hu: np.ndarray | None = None) -> Any:
    affine_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ phantom_affine_lps()
    image = nib.Nifti1Image(phantom_hu() if hu is None else hu, affine_ras)
    image.header.set_xyzt_units("mm")
    return image


def saved(image: Any, folder: Path) -> Path:
    path = folder / "saved.nii.gz"
    nib.save(image, path)
    return path


def assert_same(held: Any, path: Path) -> None:
    ours, filed = open_held_image(held), open_image_file(path)
    assert ours.grid.size_xyz == filed.grid.size_xyz
    np.testing.assert_allclose(ours.grid.affine_lps, filed.grid.affine_lps, atol=1e-5)
    np.testing.assert_array_equal(ours.read_all(), filed.read_all())
    np.testing.assert_array_equal(ours.read_region((3, 4, 5), (9, 8, 7)), filed.read_region((3, 4, 5), (9, 8, 7)))
    assert [warning.code for warning in ours.warnings] == [warning.code for warning in filed.warnings]


@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_simpleitk_image_is_its_file(suffix: str, dtype: type, tmp_path: Path) -> None:
    hu: np.ndarray = phantom_hu().astype(dtype)
    assert_same(itk_phantom(hu), write_itk(tmp_path / f"ct{suffix}", hu))


def test_a_nibabel_image_is_its_file_made_or_loaded(tmp_path: Path) -> None:
    assert_same(nibabel_phantom(), saved(nibabel_phantom(), tmp_path))
    loaded = nib.load(write_nifti(tmp_path / "ct.nii"))
    assert_same(loaded, tmp_path / "ct.nii")


def test_stored_numbers_that_nibabel_scales_are_scaled_once(tmp_path: Path) -> None:
    stored = ((phantom_hu().astype(np.int32) + 1024) // 2).astype(np.int16)
    path = write_nifti(tmp_path / "scaled.nii", stored, scl_slope=2, scl_inter=-1024)
    assert_same(nib.load(path), path)


def test_four_axes_of_which_the_last_has_one_are_one_volume() -> None:
    whole = open_held_image(nibabel_phantom())
    for one in (nibabel_phantom(phantom_hu()[..., None]), sitk.JoinSeries([itk_phantom()])):
        np.testing.assert_array_equal(open_held_image(one).read_all(), whole.read_all())


def _stacked() -> list[Any]:
    twice = np.stack([phantom_hu()] * 2, axis=-1)
    return [nibabel_phantom(twice), sitk.JoinSeries([itk_phantom(), itk_phantom()])]


def _colours() -> list[Any]:
    vector = sitk.Compose(itk_phantom(), itk_phantom())
    return [vector, nibabel_phantom(phantom_hu().astype(np.complex64))]


def _windowed() -> list[Any]:
    grey = ((phantom_hu().clip(-1000, 400) + 1000) / 1400 * 255).astype(np.uint8)
    return [itk_phantom(grey), nibabel_phantom(grey)]


def _not_finite() -> list[Any]:
    hu = phantom_hu().astype(np.float32)
    hu[:, :, 6] = np.nan
    return [itk_phantom(hu), nibabel_phantom(hu)]


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (_stacked, ProblemCode.MIXED_SERIES),
        (_colours, ProblemCode.NOT_HOUNSFIELD),
        (_windowed, ProblemCode.NOT_HOUNSFIELD),
        (_not_finite, ProblemCode.NOT_HOUNSFIELD),
        (lambda: [sitk.Image(64, 64, sitk.sitkInt16)], ProblemCode.MIXED_SERIES),
        (lambda: [nib.Nifti1Image(phantom_hu(), None)], ProblemCode.NO_GEOMETRY),
    ],
)
def test_what_a_file_would_be_refused_for_is_refused(images: Callable[[], list[Any]], code: ProblemCode) -> None:
    for image in images():
        with pytest.raises(InputRefusedError, match=r"got .* in (SimpleITK|nibabel) image") as refusal:
            open_held_image(image)
        assert refusal.value.problem.code == code


def test_accounts_of_the_geometry_that_differ_are_refused() -> None:
    image = nibabel_phantom()
    moved = image.affine.copy()
    moved[:3, 3] += 5
    image.set_qform(moved, code=1)
    with pytest.raises(InputRefusedError, match="conflicting_geometry"):
        open_held_image(image)


def test_only_images_that_say_where_they_are_count() -> None:
    assert [is_held_image(one) for one in (itk_phantom(), nibabel_phantom())] == [True, True]
    assert not any(map(is_held_image, (phantom_hu(), "ct.nii", None, Path("ct.nii"))))


def test_what_is_done_to_the_image_afterwards_changes_nothing() -> None:
    image = itk_phantom()
    volume = open_held_image(image)
    image[3, 4, 5] = 999
    assert volume.read_all()[3, 4, 5] != 999
