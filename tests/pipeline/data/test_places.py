"""A nodule of a list that lies outside its image is found before it trains or counts."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.data.places import check_places, nodules_outside
from nodulus.transforms.problems import InputRefusedError, ProblemCode

ALLOW = (ProblemCode.TOO_FEW_SLICES, ProblemCode.NOT_HOUNSFIELD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an image of 20 x 20 x 10 mm about the origin."""
    folder = tmp_path_factory.mktemp("places")
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[:3, 3] = (9.5, 9.5, -4.5)
    voxels = np.full((20, 20, 10), -850, dtype=np.int16)
    voxels[8:12, 8:12, 3:7] = 40
    nib.save(nib.Nifti1Image(voxels, affine), folder / "crop.nii")
    return folder


def item(name: str, *center_lps_mm: float) -> DataListItem:
    return DataListItem.model_validate(
        {
            "image": "crop.nii",
            "nodule_id": name,
            "patient_id": "P1",
            "center_lps_mm": center_lps_mm,
            "diameter_mm": 4.0,
        }
    )


def test_only_those_outside_are_named_with_the_reason(folder: Path) -> None:
    found = nodules_outside([item("in", 0, 0, 0), item("above", 0, 0, 40), item("beside", 9, -30, 0)], folder, ALLOW)
    assert list(found) == ["above", "beside"]
    assert {problem.code for problem in found.values()} == {ProblemCode.NODULE_OUTSIDE}
    assert "(0.0, 0.0, 40.0)" in found["above"].message


def test_the_folder_of_a_list_need_not_be_there_yet(folder: Path) -> None:
    moved = item("in", 0, 0, 0).model_copy(update={"image": f"../{folder.name}/crop.nii"})
    assert nodules_outside([moved], folder.parent / "lists", ALLOW) == {}


def test_the_first_is_raised_and_the_others_are_counted(folder: Path) -> None:
    check_places([item("in", 0, 0, 0)], folder, ALLOW)
    with pytest.raises(InputRefusedError, match=r"nodule_outside: .* nodule b$"):
        check_places([item("a", 0, 0, 0), item("b", 0, 0, 40)], folder, ALLOW)
    with pytest.raises(InputRefusedError, match=r"nodule b.* \(and 1 more nodules of the list\)"):
        check_places([item("b", 0, 0, 40), item("c", 0, 0, 50)], folder, ALLOW)


def test_an_image_that_the_gate_refuses_is_refused(folder: Path) -> None:
    with pytest.raises(InputRefusedError, match=r"too_few_slices|not_hounsfield"):
        check_places([item("in", 0, 0, 0)], folder)
