"""The dictionary transforms: what each gives, with which affine."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged, Orientationd, ScaleIntensityRanged
from numpy.typing import NDArray

from nodulus.transforms.geometry import affine_from, swap_lps_ras
from nodulus.transforms.patches.box import BOX_PER_DIAMETER
from nodulus.transforms.patches.dictionary import FillOutsideBoxd, Item, LoadCTd, NodulePatchd, OpenCTd
from nodulus.transforms.problems import InputRefusedError, ProblemCode
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import AIR_HU, CTVolume

CENTER_LPS_MM = (3.0, -11.5, -60.2)
SIZE, SPACING_MM = 21, 1.0
PATCH = NodulePatchd("image", size=SIZE, spacing_mm=SPACING_MM, margin_mm=(2, 2, 0))


def world_hu(points_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a field that tells every place from every other, between -700 and 100 HU in the scan."""
    return np.asarray(points_lps_mm @ np.asarray([5.0, -3.0, 2.0]) - 200.0)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A scan in the (-1, -1, 1) direction that most of LIDC has, with pixels that are not square."""
    affine_lps = affine_from((40, 30, -90), np.diag([-1.0, -1.0, 1.0]), (0.8, 0.9, 2.0))
    index = np.stack(np.meshgrid(np.arange(90), np.arange(85), np.arange(30), indexing="ij"), axis=-1)
    hu = world_hu(index @ affine_lps[:3, :3].T + affine_lps[:3, 3])
    hu[:, :4] = -1000  # the air above the table
    path = tmp_path / "scan.nii.gz"
    image = nib.Nifti1Image(np.round(hu).astype(np.int16), swap_lps_ras(affine_lps))
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def item(scan: Any, **more: Any) -> Item:
    whole: Item = {"image": scan, "center_lps_mm": CENTER_LPS_MM, "diameter_mm": 8.0}
    return whole | dict(more.items())


def lps_of(affine_ras: Any, index: Any) -> NDArray[np.float64]:
    ras = np.asarray(affine_ras)[:3, :3] @ np.asarray(index) + np.asarray(affine_ras)[:3, 3]
    return np.asarray(ras * [-1, -1, 1])


def test_open_keeps_a_scan_that_is_open_and_opens_a_path(scan: Path) -> None:
    opened = OpenCTd("image")(item(str(scan)))["image"]
    assert isinstance(opened, CTVolume)
    assert OpenCTd("image")(item(opened))["image"] is opened


def test_each_opener_keeps_the_scans_that_it_opened_and_leaves_them_behind_when_it_is_sent(scan: Path) -> None:
    opener = OpenCTd("image", allow="thick_slices")
    first = opener(item(scan))["image"]
    assert opener(item(str(scan)))["image"] is first
    for other in (OpenCTd("image"), copy.deepcopy(opener), pickle.loads(pickle.dumps(opener))):
        assert other(item(scan))["image"] is not first


def test_a_crop_is_not_asked_for_a_lung(scan: Path) -> None:
    volume = OpenCTd("image")(item(scan))["image"]
    assert volume.warnings == ()
    assert [warning.code for warning in open_ct(scan).warnings] == [ProblemCode.NO_LUNG]


def test_open_refuses_what_the_gate_refuses_unless_it_is_allowed(scan: Path, tmp_path: Path) -> None:
    thick = tmp_path / "thick.nii.gz"
    image = nib.load(scan)
    affine = image.affine @ np.diag([1, 1, 3, 1])
    thick_image = nib.Nifti1Image(np.asarray(image.dataobj), affine)
    thick_image.header.set_xyzt_units("mm")
    nib.save(thick_image, thick)
    with pytest.raises(InputRefusedError, match="thick_slices"):
        OpenCTd("image")(item(thick))
    assert OpenCTd("image", allow=["thick_slices"])(item(thick))["image"].grid.spacing_mm[2] == pytest.approx(6)


def test_load_gives_hounsfield_units_with_the_affine_of_the_file(scan: Path) -> None:
    loaded = LoadCTd("image")(item(scan))["image"]
    assert isinstance(loaded, MetaTensor)
    assert loaded.dtype == torch.float32
    np.testing.assert_array_equal(loaded[0].numpy(), np.asarray(nib.load(scan).dataobj))
    np.testing.assert_allclose(loaded.affine.numpy(), nib.load(scan).affine, atol=1e-5)


@pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader")  # MONAI registers it whether it is used or not
def test_stock_transforms_go_on_from_a_loaded_scan(scan: Path) -> None:
    ours = Compose([LoadCTd("image"), Orientationd("image", "RAS", labels=None)])(item(scan))["image"]
    stock = Compose(
        [
            LoadImaged("image", reader="NibabelReader", ensure_channel_first=True),
            Orientationd("image", "RAS", labels=None),
        ]
    )(item(str(scan)))["image"]
    np.testing.assert_array_equal(ours.numpy(), stock.numpy())
    np.testing.assert_allclose(ours.affine.numpy(), stock.affine.numpy(), atol=1e-5)


def test_patch_holds_the_world_where_its_affine_says(scan: Path) -> None:
    patch = Compose([OpenCTd("image"), PATCH])(item(scan))
    image, shown = patch["image"], patch["shown_voxels"]
    assert tuple(image.shape) == (1, SIZE, SIZE, SIZE)
    np.testing.assert_allclose(lps_of(image.affine, [SIZE // 2] * 3), CENTER_LPS_MM, atol=1e-9)
    for index in np.argwhere(image[0].numpy() != AIR_HU)[::37]:
        assert image[0][tuple(index)] == pytest.approx(world_hu(lps_of(image.affine, index)), abs=1.0)
    box_mm = 8.0 * np.asarray(BOX_PER_DIAMETER) + 2 * np.asarray([2, 2, 0])
    np.testing.assert_array_equal(shown[:, 1] - shown[:, 0], 2 * np.floor(box_mm / 2 / SPACING_MM + 1e-3) + 1)


def test_patch_of_a_loaded_scan_is_that_of_an_opened_one(scan: Path) -> None:
    opened, loaded = (Compose([read("image"), PATCH])(item(scan))["image"] for read in (OpenCTd, LoadCTd))
    assert torch.equal(opened, loaded)
    assert torch.equal(opened.affine, loaded.affine)


def test_own_box_is_taken_before_that_of_the_diameter(scan: Path) -> None:
    low, high = np.subtract(CENTER_LPS_MM, [3, 4, 5]), np.add(CENTER_LPS_MM, [1, 2, 3])
    patch = Compose([OpenCTd("image"), PATCH])(item(scan, box_lps_mm=[*low, *high]))
    # RAS: the first two axes run against LPS, so that the box's high face is the lower index.
    middle = SIZE // 2
    expected = [[middle - 3, middle + 6], [middle - 4, middle + 7], [middle - 5, middle + 4]]
    np.testing.assert_array_equal(patch["shown_voxels"], expected)


def test_window_keeps_the_patch_s_affine(scan: Path) -> None:
    cut = Compose([OpenCTd("image"), PATCH])
    window = ScaleIntensityRanged("image", -1000, 400, 0, 1, clip=True)
    patch = cut(item(scan))
    assert torch.equal(window(patch)["image"].affine, cut(item(scan))["image"].affine)


def test_fill_leaves_the_shown_voxels_and_the_affine(scan: Path) -> None:
    patch = Compose([OpenCTd("image"), PATCH])(item(scan))
    before = patch["image"].clone()
    patch["image"] = patch["image"] + 7
    filled = FillOutsideBoxd("image", fill=AIR_HU)(patch)["image"]
    is_air = before == AIR_HU
    assert (filled[is_air] == AIR_HU).all()
    assert torch.equal(filled[~is_air], before[~is_air] + 7)
    assert torch.equal(filled.affine, before.affine)


def test_an_even_patch_size_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        NodulePatchd("image", size=48, spacing_mm=1.0)


def test_several_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="one channel"):
        PATCH(item(MetaTensor(torch.zeros(2, 8, 8, 8))))


@pytest.mark.parametrize("allow", ["tilted,too_few_slices", "tilted, too_few_slices", ["tilted", "too_few_slices"]])
def test_codes_to_allow_are_a_list_or_text(allow: str | list[str]) -> None:
    assert OpenCTd("image", allow=allow).allow == (ProblemCode.TILTED, ProblemCode.TOO_FEW_SLICES)
    assert LoadCTd("image", allow="tilted").allow == (ProblemCode.TILTED,)
    assert OpenCTd("image", allow="").allow == ()
