"""NIfTI, MetaImage and NRRD: the same scan in each, or a refusal by name."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from nodulus.transforms.geometry import Affine
from nodulus.transforms.images.read_image import open_image_file
from nodulus.transforms.patches.box import patch_affine_ras
from nodulus.transforms.patches.patch import cut_patch, sample_voxels
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.sources.deflate_reader import DeflateReader
from nodulus.transforms.volume import CTVolume
from tests.support.image_phantom import (
    SIZE_XYZ,
    SPACING_MM,
    edit_nifti,
    edit_text,
    itk_phantom,
    phantom_affine_lps,
    phantom_hu,
    turned,
    write_itk,
    write_nifti,
)

WRITERS: dict[str, Callable[[Path], Path]] = {
    "ct.nii": write_nifti,
    "ct.nii.gz": write_nifti,
    "itk.nii.gz": write_itk,
    "ct.mha": write_itk,
    "ct.mhd": write_itk,
    "ct.nrrd": write_itk,
    "ct.nhdr": write_itk,
    "packed.mha": lambda path: write_itk(path, is_compressed=True),
    "packed.mhd": lambda path: write_itk(path, is_compressed=True),
    "packed.nrrd": lambda path: write_itk(path, is_compressed=True),
}


@pytest.fixture(params=WRITERS)
def image_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return WRITERS[request.param](tmp_path / request.param)


def refusal(path: Path, *allow: ProblemCode) -> Problem:
    with pytest.raises(InputRefusedError) as caught:
        open_image_file(path, allow=allow)
    return caught.value.problem


def refusal_of(path: Path, *allow: ProblemCode) -> Problem:
    problem = refusal(path, *allow)
    message = problem.message
    assert message.startswith("Expected ")
    assert "got" in message
    assert "\n" not in message
    assert path.stem.split(".")[0] in message
    return problem


def codes_of(volume: CTVolume) -> list[ProblemCode]:
    return [warning.code for warning in volume.warnings]


def test_every_format_gives_the_same_values_at_the_same_places(image_path: Path) -> None:
    volume = open_image_file(image_path)
    index = np.random.default_rng(3).uniform(0, np.array(SIZE_XYZ) - 1, (200, 3))
    expected_lps = index @ phantom_affine_lps()[:3, :3].T + phantom_affine_lps()[:3, 3]
    assert volume.warnings == ()
    assert volume.grid.size_xyz == SIZE_XYZ
    np.testing.assert_allclose(volume.grid.lps_from_voxel(index), expected_lps, atol=1e-4)
    np.testing.assert_allclose(volume.read_all(), phantom_hu(), atol=1e-3)
    assert volume.read_all().dtype == np.float32


def test_a_patch_equals_the_one_of_simpleitk(image_path: Path) -> None:
    volume = open_image_file(image_path)
    center = volume.grid.lps_from_voxel((np.array(SIZE_XYZ) - 1) / 2)
    affine_ras = patch_affine_ras(center, 10, 0.9)
    reference = sitk.Image(10, 10, 10, sitk.sitkFloat32)
    reference.SetSpacing((0.9, 0.9, 0.9))
    reference.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    reference.SetOrigin([-affine_ras[0, 3], -affine_ras[1, 3], affine_ras[2, 3]])
    oracle = sitk.Resample(
        sitk.Cast(itk_phantom(), sitk.sitkFloat32), reference, sitk.Transform(), sitk.sitkLinear, -1000.0
    )
    expected = sitk.GetArrayFromImage(oracle).transpose(2, 1, 0)
    np.testing.assert_allclose(cut_patch(volume, affine_ras, 10, None).intensity_hu, expected, atol=0.5)


def test_the_geometry_is_that_of_simpleitk(image_path: Path) -> None:
    grid, image = open_image_file(image_path).grid, sitk.ReadImage(str(image_path))
    np.testing.assert_allclose(grid.origin_lps_mm, image.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(grid.spacing_mm, image.GetSpacing(), atol=1e-6)
    np.testing.assert_allclose(grid.direction_lps.ravel(), image.GetDirection(), atol=1e-6)


def test_a_slab_is_the_part_of_the_whole(image_path: Path) -> None:
    volume = open_image_file(image_path)
    whole = volume.read_all()
    for k_start, k_stop in [(9, 12), (0, 2), (13, 14), (4, 9)]:
        np.testing.assert_array_equal(volume.read_slab(k_start, k_stop), whole[:, :, k_start:k_stop])


def test_reading_is_silent(image_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_image_file(image_path).read_all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "direction", [np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, 1.0, -1.0]), np.eye(3)[:, [2, 0, 1]], turned(40)]
)
def test_any_direction_is_accepted_exactly(tmp_path: Path, direction: np.ndarray) -> None:
    affine = phantom_affine_lps(direction)
    volume = open_image_file(write_nifti(tmp_path / "ct.nii", affine_lps=affine))
    np.testing.assert_allclose(volume.grid.affine_lps, affine, atol=1e-4)


@pytest.mark.parametrize("stored", ["<i2", ">i2", "<f4", "<f8", "<i4"])
def test_stored_type_and_byte_order_change_nothing(tmp_path: Path, stored: str) -> None:
    image = nib.Nifti1Image(phantom_hu().astype(stored), np.diag([0.7, 0.7, 2, 1]), dtype=np.dtype(stored))
    if stored.startswith(">"):
        image = nib.Nifti1Image(phantom_hu(), image.affine, header=image.header.as_byteswapped(">"))
    nib.save(image, tmp_path / "ct.nii")
    np.testing.assert_allclose(open_image_file(tmp_path / "ct.nii").read_all(), phantom_hu(), atol=1e-3)


def test_big_endian_metaimage_and_nrrd_are_read(tmp_path: Path) -> None:
    for name, old, new in [
        ("ct.mhd", "BinaryDataByteOrderMSB = False", "BinaryDataByteOrderMSB = True"),
        ("ct.nhdr", "endian: little", "endian: big"),
    ]:
        path = edit_text(write_itk(tmp_path / name), old, new)
        raw = path.with_suffix(".raw")
        raw.write_bytes(np.frombuffer(raw.read_bytes(), "<i2").astype(">i2").tobytes())
        np.testing.assert_array_equal(open_image_file(path).read_all(), phantom_hu())


def test_nifti_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii", (phantom_hu() + 1024) // 2, scl_slope=2, scl_inter=-1024)
    np.testing.assert_allclose(open_image_file(path).read_all(), (phantom_hu() + 1024) // 2 * 2.0 - 1024)


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(phantom_hu(), np.diag([0.7, 0.7, 2, 1])), tmp_path / "ct.nii")
    volume = open_image_file(tmp_path / "ct.nii")
    np.testing.assert_array_equal(volume.read_all(), phantom_hu())
    assert codes_of(volume) == [ProblemCode.UNKNOWN_UNITS]


def test_a_trailing_axis_of_one_is_let_pass_and_several_volumes_are_refused(tmp_path: Path) -> None:
    one = write_nifti(tmp_path / "one.nii", phantom_hu()[..., None])
    assert open_image_file(one).grid.size_xyz == SIZE_XYZ
    several = write_nifti(tmp_path / "several.nii", np.stack([phantom_hu()] * 3, axis=-1))
    problem = refusal_of(several)
    assert problem.code is ProblemCode.MIXED_SERIES
    assert "got 3" in problem.message


def test_a_content_that_its_name_does_not_say_is_read(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii.gz").rename(tmp_path / "ct.nii")
    np.testing.assert_array_equal(open_image_file(path).read_all(), phantom_hu())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"qform_code": 0, "sform_code": 0}, ProblemCode.NO_GEOMETRY),
        ({"qoffset_x": 90.0}, ProblemCode.CONFLICTING_GEOMETRY),
        ({"quatern_b": 0.1}, ProblemCode.CONFLICTING_GEOMETRY),
        ({"srow_y": [0.7, 0.1, 0.1, 0]}, ProblemCode.CONFLICTING_GEOMETRY),
        ({"qform_code": 0, "pixdim": [1, 0.8, 0.9, 1.9, 0, 0, 0, 0]}, ProblemCode.CONFLICTING_GEOMETRY),
        ({"pixdim": [1, 0.8, 0, 1.9, 0, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"pixdim": [1, 0.8, -0.7, 1.9, 0, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"pixdim": [1, 0.8, np.nan, 1.9, 0, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"pixdim": [1, 0.8, np.inf, 1.9, 0, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"pixdim": [7, 0.8, 0.7, 1.9, 0, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"srow_x": [0, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"srow_x": [np.nan, 0, 0, 0]}, ProblemCode.NO_GEOMETRY),
        ({"quatern_b": np.nan}, ProblemCode.NO_GEOMETRY),
        ({"quatern_b": 3.0}, ProblemCode.NO_GEOMETRY),
        ({"xyzt_units": 5}, ProblemCode.NO_GEOMETRY),
        ({"xyzt_units": 3}, ProblemCode.NO_GEOMETRY),
        ({"xyzt_units": 1}, ProblemCode.NO_GEOMETRY),
        ({"sform_code": 0, "qoffset_x": 1e30}, ProblemCode.NO_GEOMETRY),
        ({"dim": [3, 20, 26, 140, 1, 1, 1, 1]}, ProblemCode.TRUNCATED),
        ({"dim": [3, 20, -26, 14, 1, 1, 1, 1]}, ProblemCode.UNREADABLE),
        ({"dim": [9, 20, 26, 14, 1, 1, 1, 1]}, ProblemCode.UNREADABLE),
        ({"dim": [2, 20, 26, 1, 1, 1, 1, 1]}, ProblemCode.UNREADABLE),
        ({"vox_offset": 0}, ProblemCode.UNREADABLE),
        ({"vox_offset": np.nan}, ProblemCode.UNREADABLE),
        ({"vox_offset": 9000}, ProblemCode.TRUNCATED),
        ({"datatype": 128, "bitpix": 24}, ProblemCode.NOT_HOUNSFIELD),
        ({"datatype": 1234}, ProblemCode.UNREADABLE),
        ({"scl_slope": np.inf}, ProblemCode.NOT_HOUNSFIELD),
        ({"scl_slope": 1, "scl_inter": np.nan}, ProblemCode.NOT_HOUNSFIELD),
        ({"scl_slope": 100, "scl_inter": 0}, ProblemCode.NOT_HOUNSFIELD),
    ],
    ids=str,
)
def test_a_broken_nifti_header_is_refused_by_name(tmp_path: Path, fields: dict[str, object], code: ProblemCode) -> None:
    assert refusal_of(edit_nifti(write_nifti(tmp_path / "ct.nii"), **fields)).code is code


OF_QFAC = "no_geometry: Expected a qfac (pixdim[0]) of 1, -1 or 0, got {} in ct.nii"
OF_QUATERNION = "no_geometry: Expected a quaternion whose b, c and d are at most 1 long together, got ({}) in ct.nii"
OF_TYPE = "unreadable: Expected a datatype that NIfTI knows, got datatype {} in ct.nii"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        *(({"datatype": code}, OF_TYPE.format(code)) for code in (-1, 3, 7, 1234, 32767)),
        *(({"pixdim": [qfac, 0.8, 0.7, 1.9, 0, 0, 0, 0]}, OF_QFAC.format(f"{qfac:g}")) for qfac in (7, -2, 0.5, 1e30)),
        ({"pixdim": [np.nan, 0.8, 0.7, 1.9, 0, 0, 0, 0]}, OF_QFAC.format("nan")),
        *(
            ({"quatern_b": b, "quatern_c": 0.75, "quatern_d": 0}, OF_QUATERNION.format(f"{b:g}, 0.75, 0"))
            for b in (3.0, -0.75, 1e30, np.inf)
        ),
    ],
    ids=str,
)
def test_what_a_nifti_library_objects_to_is_said_in_our_words(
    tmp_path: Path, fields: dict[str, object], says: str, version: int
) -> None:
    path = write_nifti(tmp_path / "ct.nii")
    if version == 2:
        second = nib.Nifti2Image.from_image(nib.load(path))
        (tmp_path / "second").mkdir()
        path = tmp_path / "second" / "ct.nii"
        nib.save(second, path)
    assert str(refusal_of(edit_nifti(path, **fields))) == says


FIELDS = [name for name in nib.Nifti1Header() if not name.startswith(("scl_", "cal_", "descrip", "aux_file"))]


@pytest.mark.parametrize("field", FIELDS)
def test_no_single_header_field_changes_the_geometry_silently(tmp_path: Path, field: str) -> None:
    path = write_nifti(tmp_path / "ct.nii")
    whole, corners = path.read_bytes(), np.array([[0.0, 0, 0], np.array(SIZE_XYZ) - 1])
    good = open_image_file(path)
    value = nib.Nifti1Header(whole[:348], check=False)[field]
    for position in np.ndindex(value.shape) if value.dtype.kind in "iuf" else []:
        for wrong in (
            0,
            1,
            -1,
            2,
            4,
            7,
            16,
            255,
            np.nan,
            value[position] + 1,
            value[position] * 2,
            value[position] / 2,
        ):
            changed = value.copy()
            with np.errstate(invalid="ignore"):
                changed[position] = np.array(wrong).astype(value.dtype)
            path.write_bytes(whole)
            edit_nifti(path, **{field: changed})
            try:
                volume = open_image_file(path)
            except InputRefusedError:
                continue
            n_slices = volume.grid.size_xyz[2]
            np.testing.assert_array_equal(volume.read_all(), good.read_slab(0, n_slices), err_msg=f"{field} {wrong}")
            moved_mm = volume.grid.lps_from_voxel(corners) - good.grid.lps_from_voxel(corners)
            assert np.linalg.norm(moved_mm, axis=1).max() < 0.5, (field, position, wrong)


@pytest.mark.parametrize(("unit", "mm"), [(1, 1000.0), (3, 0.001)])
def test_metres_and_microns_are_converted(tmp_path: Path, unit: int, mm: float) -> None:
    affine = phantom_affine_lps()
    affine[:3] /= mm
    path = edit_nifti(write_nifti(tmp_path / "ct.nii", affine_lps=affine), xyzt_units=unit)
    np.testing.assert_allclose(open_image_file(path).grid.affine_lps, phantom_affine_lps(), rtol=1e-5, atol=1e-4)


def test_a_missing_unit_is_read_as_mm_and_warned(tmp_path: Path) -> None:
    volume = open_image_file(write_nifti(tmp_path / "ct.nii", xyzt_units=0))
    assert codes_of(volume) == [ProblemCode.UNKNOWN_UNITS]
    np.testing.assert_allclose(volume.grid.spacing_mm, SPACING_MM, rtol=1e-6)


@pytest.mark.parametrize("absent", ["qform_code", "sform_code"])
def test_one_of_qform_and_sform_is_enough(tmp_path: Path, absent: str) -> None:
    volume = open_image_file(edit_nifti(write_nifti(tmp_path / "ct.nii"), **{absent: 0}))
    np.testing.assert_allclose(volume.grid.affine_lps, phantom_affine_lps(), atol=1e-3)


def test_a_sheared_affine_is_refused_unless_allowed_and_then_exact(tmp_path: Path) -> None:
    affine: Affine = phantom_affine_lps(np.eye(3))
    affine[1, 2] = 0.5
    image = nib.Nifti1Image(phantom_hu(), np.diag([-1, -1, 1, 1]) @ affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / "ct.nii")
    assert "14.7" in refusal_of(tmp_path / "ct.nii").message
    volume = open_image_file(tmp_path / "ct.nii", allow=[ProblemCode.TILTED])
    assert codes_of(volume) == [ProblemCode.TILTED]
    np.testing.assert_allclose(volume.grid.affine_lps, affine, atol=1e-4)
    index = np.array([[3.3, 4.4, 5.5]])
    voxels = volume.grid.voxel_from_lps(index @ affine[:3, :3].T + affine[:3, 3])
    np.testing.assert_allclose(sample_voxels(volume, voxels), sample_voxels(volume, index), atol=0.01)


def test_a_sheared_sform_with_its_straightened_qform_can_be_allowed(tmp_path: Path) -> None:
    affine = np.diag([0.8, 0.7, 1.9, 1.0])
    affine[1, 2] = 0.4
    image = nib.Nifti1Image(phantom_hu(), affine)
    image.set_qform(affine, code=1, strip_shears=True)
    nib.save(image, tmp_path / "ct.nii")
    assert refusal_of(tmp_path / "ct.nii").code is ProblemCode.TILTED
    assert ProblemCode.TILTED in codes_of(open_image_file(tmp_path / "ct.nii", allow=[ProblemCode.TILTED]))


@pytest.mark.parametrize(
    ("thickness_mm", "outcome"), [(3.0, "good"), (3.2, "warned"), (5.0, "warned"), (5.2, "refused")]
)
def test_thick_slices_are_warned_then_refused(tmp_path: Path, thickness_mm: float, outcome: str) -> None:
    path = write_nifti(tmp_path / "ct.nii", affine_lps=np.diag([0.7, 0.7, thickness_mm, 1.0]))
    if outcome == "refused":
        assert refusal_of(path).code is ProblemCode.THICK_SLICES
    allowed = open_image_file(path, allow=[ProblemCode.THICK_SLICES])
    assert codes_of(allowed) == ([] if outcome == "good" else [ProblemCode.THICK_SLICES])


def test_a_slice_or_two_are_too_few(tmp_path: Path) -> None:
    assert refusal_of(write_nifti(tmp_path / "ct.nii", phantom_hu()[:, :, :2])).code is ProblemCode.TOO_FEW_SLICES


@pytest.mark.parametrize(
    "scaled",
    [
        lambda hu: ((hu + 1000) / 2000).astype(np.float32),
        lambda hu: ((hu + 1000) / 2000 * 255).astype(np.uint8),
        lambda hu: ((hu - hu.mean()) / hu.std()).astype(np.float32),
        lambda hu: (hu + 1024).astype(np.uint16),
        lambda hu: hu * 10,
        lambda hu: hu // 2,
        lambda hu: np.full_like(hu, -1000),
        lambda hu: np.where(hu > 300, np.nan, hu).astype(np.float32),
    ],
    ids=["0..1", "0..255", "z-score", "no intercept", "slope 10", "slope 0.5", "all air", "nan"],
)
def test_what_cannot_be_hounsfield_units_is_refused(tmp_path: Path, scaled: Callable[[np.ndarray], np.ndarray]) -> None:
    path = write_nifti(tmp_path / "ct.nii", scaled(phantom_hu()))
    assert refusal_of(path).code is ProblemCode.NOT_HOUNSFIELD


def test_doubted_hounsfield_units_can_be_allowed(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii", (phantom_hu() + 1024).astype(np.uint16))
    assert codes_of(open_image_file(path, allow=[ProblemCode.NOT_HOUNSFIELD])) == [ProblemCode.NOT_HOUNSFIELD]


def test_padding_far_below_air_is_let_pass(tmp_path: Path) -> None:
    hu = phantom_hu()
    hu[:4] = -3024
    assert open_image_file(write_nifti(tmp_path / "ct.nii", hu)).warnings == ()


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.mha", "packed.mha", "ct.nrrd", "packed.nrrd"])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    path.write_bytes(path.read_bytes()[:-60])
    assert refusal_of(path).code is ProblemCode.TRUNCATED


@pytest.mark.parametrize("name", ["ct.mhd", "ct.nhdr"])
def test_a_missing_data_file_is_refused(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    path.with_suffix(".raw").unlink()
    assert refusal_of(path).code is ProblemCode.TRUNCATED


@pytest.mark.parametrize("name", ["ct.nii.gz", "packed.mha", "packed.nrrd"])
def test_damage_anywhere_in_compressed_data_is_refused(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    whole = path.read_bytes()
    for part in (0.5, 0.9):
        data = bytearray(whole)
        data[int(part * len(data))] ^= 0x55
        path.write_bytes(data)
        assert refusal_of(path).code in (ProblemCode.UNREADABLE, ProblemCode.TRUNCATED)


@pytest.mark.parametrize("part", ["-8", "-1"])
def test_a_wrong_gzip_trailer_is_refused(tmp_path: Path, part: str) -> None:
    path = write_nifti(tmp_path / "ct.nii.gz")
    data = bytearray(path.read_bytes())
    data[int(part)] ^= 1
    path.write_bytes(data)
    assert refusal_of(path).code is ProblemCode.UNREADABLE


def test_chained_gzip_members_are_one_file(tmp_path: Path) -> None:
    data = write_nifti(tmp_path / "ct.nii").read_bytes()
    path = tmp_path / "chained.nii.gz"
    path.write_bytes(b"".join(gzip.compress(data[start : start + 3000]) for start in range(0, len(data), 3000)))
    np.testing.assert_array_equal(open_image_file(path).read_slab(5, 9), phantom_hu()[:, :, 5:9])


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"just some text\n" * 40, "text"),
        (b"", "an empty file"),
        (b"PK\3\4" + bytes(600), "a zip archive"),
        (bytes(128) + b"DICM" + bytes(400), "one DICOM file"),
        (bytes(range(256)) * 4, "unknown binary"),
        (gzip.compress(b"text " * 100, mtime=0), "text"),
    ],
)
def test_a_file_that_is_no_image_is_refused_with_what_it_is(tmp_path: Path, content: bytes, got: str) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(content)
    problem = refusal_of(path)
    assert problem.code is ProblemCode.UNREADABLE
    assert got in problem.message


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="got no file"):
        open_image_file(tmp_path / "ct.nii")


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("ct.mha", "ElementSpacing = 0.8", "ElementSpacing = 0.0", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "ElementSpacing = 0.8", "ElementSpacing = -0.8", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "ElementSpacing = 0.8", "ElementSpacing = nan ", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "ElementSpacing = 0.8", "ElementSize = 0.8", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "Offset = -31.5", "Comment = -31.5", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "Offset = -31.5", "Offset = ", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "TransformMatrix = ", "Comment = ", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "TransformMatrix = ", "TransformMatrix = inf ", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "ElementSpacing", "DistanceUnits = cm\nElementSpacing", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "ElementType", "ElementNumberOfChannels = 3\nElementType", ProblemCode.NOT_HOUNSFIELD),
        ("ct.mha", "MET_SHORT", "MET_OTHER", ProblemCode.NOT_HOUNSFIELD),
        ("ct.mha", "DimSize = 20 26 14", "DimSize = 20 26 99", ProblemCode.TRUNCATED),
        ("ct.mha", "DimSize = 20 26 14", "DimSize = 20 26 x", ProblemCode.UNREADABLE),
        ("ct.mha", "BinaryData = True", "BinaryData = False", ProblemCode.UNREADABLE),
        ("ct.mhd", "ct.raw", "../ct.raw", ProblemCode.UNREADABLE),
        ("ct.mhd", "ct.raw", "/etc/hostname", ProblemCode.UNREADABLE),
        ("ct.mhd", "ElementDataFile", "Comment", ProblemCode.UNREADABLE),
        ("ct.nrrd", "space: left-posterior-superior", "space: scanner-xyz", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "space: left-posterior-superior", "space dimension: 3", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "space directions", "# directions", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "space origin", "# origin", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "space origin: (-31.5", "space origin: (nan", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "endian:", 'space units: "cm" "cm" "cm"\nendian:', ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "endian: little\n", "", ProblemCode.UNREADABLE),
        ("ct.nrrd", "encoding: raw", "encoding: bzip2", ProblemCode.UNREADABLE),
        ("ct.nrrd", "encoding: raw", "encoding: raw\nbyte skip: 4", ProblemCode.TRUNCATED),
        ("ct.nrrd", "encoding: raw", "encoding: raw\nbyte skip: -2", ProblemCode.UNREADABLE),
        ("ct.nrrd", "encoding: raw", "encoding: raw\nbyte skip: 1_0", ProblemCode.UNREADABLE),
        ("ct.nrrd", "encoding: raw", "encoding: raw\nbyte skip:4", ProblemCode.UNREADABLE),
        ("ct.nrrd", "encoding: raw", "encoding: raw\nline skip: -1", ProblemCode.UNREADABLE),
        ("ct.nhdr", "encoding: raw", "encoding: raw\nline skip: 99999", ProblemCode.UNREADABLE),
        ("packed.nrrd", "encoding: gzip", "encoding: gzip\nbyte skip: -1", ProblemCode.UNREADABLE),
        ("ct.nrrd", "space origin: (-31.5", "space origin: (-3_1.5", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "space origin: (-31.5", "space origin: (-31.5e9", ProblemCode.NO_GEOMETRY),
        ("ct.nrrd", "sizes:", "Sizes: 26 20 14\nsizes:", ProblemCode.UNREADABLE),
        ("ct.nrrd", "sizes:", "byteskip: 0\nbyte skip: 0\nsizes:", ProblemCode.UNREADABLE),
        ("ct.nrrd", "dimension: 3", "dimension: 4", ProblemCode.UNREADABLE),
        ("ct.nrrd", "kinds: domain domain domain", "kinds: ", ProblemCode.UNREADABLE),
        ("ct.nrrd", "space directions: ", "space directions: none ", ProblemCode.NO_GEOMETRY),
        ("ct.nhdr", "data file: ct.raw", "data file: LIST\nct.raw", ProblemCode.UNREADABLE),
        ("ct.mhd", "ct.raw", "LIST\nct.raw", ProblemCode.UNREADABLE),
        ("ct.mhd", "ct.raw", "ct%02d.raw 1 14 1", ProblemCode.UNREADABLE),
        ("ct.mhd", "ct.raw", f"{'c' * 300}.raw", ProblemCode.UNREADABLE),
        ("ct.mha", "ElementSpacing = 0.8", "ElementSpacing = 0_8", ProblemCode.NO_GEOMETRY),
        ("ct.mha", "DimSize = 20", "DimSize = 2_0", ProblemCode.UNREADABLE),
        ("ct.mha", "DimSize", "DimSize = 26 20 14\nDimSize", ProblemCode.UNREADABLE),
        ("ct.mha", "DimSize", "HeaderSize = 10\nDimSize", ProblemCode.UNREADABLE),
        ("ct.mha", "DimSize", "HeaderSize = -2\nDimSize", ProblemCode.UNREADABLE),
        ("ct.mha", "DimSize", "HeaderSize = 6e2\nDimSize", ProblemCode.UNREADABLE),
        ("ct.mhd", "DimSize", "HeaderSize : 64\nDimSize", ProblemCode.TRUNCATED),
        ("packed.mhd", "DimSize", "HeaderSize = -1\nDimSize", ProblemCode.UNREADABLE),
        ("ct.mha", "DimSize = 20", "DimSize = 4097", ProblemCode.UNREADABLE),
        ("ct.nrrd", "type: short", "type: block", ProblemCode.NOT_HOUNSFIELD),
        ("ct.nrrd", "kinds: domain", "kinds: RGB-color", ProblemCode.NOT_HOUNSFIELD),
        ("ct.nrrd", "sizes: 20 26 14", "sizes: 20 26 99", ProblemCode.TRUNCATED),
        ("ct.nrrd", "sizes: 20 26 14", "sizes: 20 364", ProblemCode.TOO_FEW_SLICES),
    ],
)
def test_a_broken_text_header_is_refused_by_name(
    tmp_path: Path, name: str, old: str, new: str, code: ProblemCode
) -> None:
    path = write_itk(tmp_path / name, is_compressed=name.startswith("packed"))
    assert refusal_of(edit_text(path, old, new)).code is code


@pytest.mark.parametrize("space", ["right-anterior-superior", "RAS", "left-anterior-superior", "LAS"])
def test_nrrd_spaces_are_those_of_itk(tmp_path: Path, space: str) -> None:
    path = edit_text(write_itk(tmp_path / "ct.nrrd"), "left-posterior-superior", space)
    grid, image = open_image_file(path).grid, sitk.ReadImage(str(path))
    np.testing.assert_allclose(grid.origin_lps_mm, image.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(grid.direction_lps.ravel(), image.GetDirection(), atol=1e-6)


def test_sheared_space_directions_are_tilted(tmp_path: Path) -> None:
    text = write_itk(tmp_path / "ct.nrrd").read_bytes().split(b"space directions: ")[1].split(b"\n")[0].decode()
    path = edit_text(tmp_path / "ct.nrrd", text, "(0.8,0,0) (0,0.7,0) (0,0.4,1.9)")
    assert refusal_of(path).code is ProblemCode.TILTED
    assert open_image_file(path, allow=[ProblemCode.TILTED]).grid.affine_lps[1, 2] == pytest.approx(0.4)


def test_a_real_chest_opens_lazily(data_dir: Path) -> None:
    path = data_dir / "chest_nifti" / "chest_cta.nii.gz"
    volume, expected = open_image_file(path), nib.load(path)
    assert volume.grid.size_xyz == expected.shape
    np.testing.assert_array_equal(volume.read_slab(60, 63), expected.dataobj[:, :, 60:63])


@pytest.mark.parametrize(("header_size", "n_before"), [("64", 64), ("-1", 63), ("0", 0)])
def test_the_header_size_of_a_metaimage_is_skipped(tmp_path: Path, header_size: str, n_before: int) -> None:
    path = edit_text(write_itk(tmp_path / "ct.mhd"), "DimSize", f"HeaderSize = {header_size}\nDimSize")
    raw = path.with_suffix(".raw")
    raw.write_bytes(bytes(n_before) + raw.read_bytes())
    assert_voxels_of_itk(path)


def test_the_header_size_counts_from_the_start_of_the_file(tmp_path: Path) -> None:
    path = edit_text(write_itk(tmp_path / "ct.mha"), "DimSize", "HeaderSize = 900\nDimSize")
    data = path.read_bytes()
    n_header = data.index(b"LOCAL") + 6
    path.write_bytes(data[:n_header] + bytes(900 - n_header) + data[n_header:])
    assert_voxels_of_itk(path)


@pytest.mark.parametrize("value", ["1", "T", "true", "True"])
def test_the_truths_of_metaimage_are_those_of_metaio(tmp_path: Path, value: str) -> None:
    packed = edit_text(write_itk(tmp_path / "packed.mhd", is_compressed=True), "Data = True", f"Data = {value}")
    np.testing.assert_array_equal(open_image_file(packed).read_all(), phantom_hu())
    path = edit_text(write_itk(tmp_path / "ct.mhd"), "ByteOrderMSB = False", f"ByteOrderMSB = {value}")
    raw = path.with_suffix(".raw")
    raw.write_bytes(np.frombuffer(raw.read_bytes(), "<i2").astype(">i2").tobytes())
    assert_voxels_of_itk(path)


@pytest.mark.parametrize(
    ("skips", "before"),
    [
        ("line skip: 2", b"one\ntwo\n"),
        ("byte skip: 5", b"12345"),
        ("byte skip: -1", b"123"),
        ("lineskip: 1\nbyteskip: 3", b"one\n123"),
        ("byte skip: 00", b""),
    ],
)
@pytest.mark.parametrize("name", ["ct.nrrd", "ct.nhdr"])
def test_nrrd_skips_are_those_of_itk(tmp_path: Path, name: str, skips: str, before: bytes) -> None:
    path = edit_text(write_itk(tmp_path / name), "endian: little", f"{skips}\nEndian: LITTLE")
    voxels = path if name == "ct.nrrd" else path.with_suffix(".raw")
    data = voxels.read_bytes()
    start = len(data) - phantom_hu().nbytes
    voxels.write_bytes(data[:start] + before + data[start:])
    assert_voxels_of_itk(path)


def test_nrrd_skips_bytes_of_what_is_inflated(tmp_path: Path) -> None:
    path = edit_text(write_itk(tmp_path / "ct.nrrd"), "encoding: raw", "encoding: gzip\nbyte skip: 3\nline skip: 1")
    header, voxels = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(header + b"\n\nline\n" + gzip.compress(b"123" + voxels))
    assert_voxels_of_itk(path)


def assert_voxels_of_itk(path: Path) -> None:
    oracle = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).transpose(2, 1, 0)
    np.testing.assert_array_equal(oracle, phantom_hu())
    np.testing.assert_array_equal(open_image_file(path).read_all(), oracle)


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.mha", "ct.mhd", "ct.nrrd", "ct.nhdr"])
def test_a_byte_too_many_is_refused(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    voxels = path if path.suffix not in (".mhd", ".nhdr") else path.with_suffix(".raw")
    data = voxels.read_bytes()
    voxels.write_bytes(gzip.compress(gzip.decompress(data) + b"x") if name.endswith("gz") else data + b"x")
    assert refusal_of(path).code is ProblemCode.UNREADABLE


@pytest.mark.parametrize("value", ["2 0 0 0 2 0 0 0 2", "1 0 0 0 1 0 0 0 0.99"])
def test_a_metaimage_matrix_that_scales_is_refused(tmp_path: Path, value: str) -> None:
    path = edit_text(write_itk(tmp_path / "ct.mha"), "TransformMatrix = ", f"TransformMatrix = {value}\nComment = ")
    problem = refusal_of(path)
    assert problem.code is ProblemCode.NO_GEOMETRY
    assert "length 1" in problem.message


def test_header_extensions_are_skipped(tmp_path: Path) -> None:
    image = nib.Nifti1Image(phantom_hu(), np.diag([0.7, 0.7, 2, 1]))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("afni", b"<AFNI_attributes/>" * 90))
    for name in ("ct.nii", "ct.nii.gz"):
        nib.save(image, tmp_path / name)
        np.testing.assert_array_equal(open_image_file(tmp_path / name).read_all(), phantom_hu())
    # A header that does not count its extension: the voxels would start in the middle of it.
    assert refusal_of(edit_nifti(tmp_path / "ct.nii", vox_offset=352)).code is ProblemCode.UNREADABLE


def test_a_vox_offset_of_0_is_right_after_the_header_as_in_itk(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii", vox_offset=0)
    data = path.read_bytes()
    path.write_bytes(data[:348] + data[352:])
    assert_voxels_of_itk(path)


@pytest.mark.parametrize("n_bytes", [348, 400, 539, 540])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_header_that_was_cut_off_is_refused(tmp_path: Path, n_bytes: int, is_compressed: bool) -> None:
    path = tmp_path / "ct.nii"
    nib.save(nib.Nifti2Image(phantom_hu(), np.diag([0.7, 0.7, 2, 1])), path)
    start = path.read_bytes()[:n_bytes]
    path.write_bytes(gzip.compress(start) if is_compressed else start)
    assert refusal_of(path).code is ProblemCode.TRUNCATED


def test_a_long_tail_is_not_inflated(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(40 << 20)))
    reader = DeflateReader(path)
    assert 20000 < reader.verified_size(20000) < 1 << 20
    assert refusal_of(path).code is ProblemCode.UNREADABLE


def test_a_header_that_claims_what_a_bomb_inflates_to_is_refused(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "ct.nii", dim=[3, 4096, 4096, 4096, 1, 1, 1, 1])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert "200 : 1" in refusal_of(path).message


def test_checkpoints_are_bounded(tmp_path: Path) -> None:
    content = np.random.default_rng(0).integers(0, 9, 12 << 20, dtype=np.uint8).tobytes()
    path = tmp_path / "content.gz"
    path.write_bytes(gzip.compress(content, 1))
    reader = DeflateReader(path, checkpoint_bytes=1 << 10)
    assert reader.verified_size(len(content)) == len(content)
    assert len(reader._checkpoints) <= 128
    assert reader.read(5 << 20, 1000) == content[5 << 20 : (5 << 20) + 1000]


def test_padding_is_no_air(tmp_path: Path) -> None:
    hu = phantom_hu()
    hu[:4] = -2048
    problem = refusal_of(write_nifti(tmp_path / "ct.nii", hu + 1024))
    assert problem.code is ProblemCode.NOT_HOUNSFIELD
    assert "air" in problem.message


def test_half_of_a_pair_is_refused_with_what_it_is(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(phantom_hu(), np.diag([0.7, 0.7, 2, 1])), tmp_path / "ct.img")
    nib.save(nib.Spm99AnalyzeImage(phantom_hu(), np.diag([0.7, 0.7, 2, 1])), tmp_path / "old.img")
    for name in ("ct.img", "ct.hdr", "old.img", "old.hdr"):
        with pytest.raises(InputRefusedError, match=r"got one half of an \.hdr/\.img pair"):
            open_ct(tmp_path / name)


def test_names_and_header_values_are_printed_without_control_characters(tmp_path: Path) -> None:
    path = edit_text(write_itk(tmp_path / "ct.nrrd"), "left-posterior-superior", "\x1b[31mred")
    path = path.rename(tmp_path / "c\nt\x1b[2J.nrrd")
    message = refusal(path).message
    assert message.isprintable()
    assert "c\\x0at\\x1b[2J.nrrd" in message
