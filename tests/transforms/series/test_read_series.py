"""Accepted series: exact geometry and the right Hounsfield units, however they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import JPEG2000, JPEGLSLossless, RLELossless

from nodulus.transforms.problems import ProblemCode
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_series_writer import UNCOMPRESSED, SeriesSpec, set_stored, write_slices, zip_folder
from tests.support.gdcm_writer import compress_by_gdcm

SIGNED_SAGITTAL = SeriesSpec(row=(0, 1, 0), column=(0, 0, -1), origin_lps_mm=(-6, -5, 6), is_signed=True)


def expected_hu(spec: SeriesSpec) -> NDArray[np.float64]:
    """Return what the series shows at its own voxels, (x, y, z)."""
    return np.stack([spec.field_hu(spec.points(index)).T for index in range(len(spec.positions))], axis=-1)


def test_voxels_stand_where_the_header_says(tmp_path: Path) -> None:
    spec = SeriesSpec()
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"))
    assert volume.grid.size_xyz == (spec.columns, spec.rows, len(spec.positions))
    assert volume.grid.spacing_mm == pytest.approx((0.8, 1.2, 2.0))
    np.testing.assert_allclose(volume.grid.lps_from_voxel([3, 4, 5]), spec.points(5)[4, 3], atol=1e-9)
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)
    assert volume.warnings == ()


def test_order_of_files_and_instance_numbers_is_irrelevant(tmp_path: Path) -> None:
    plain = open_ct(write_slices(SeriesSpec().slices(), tmp_path / "plain"))
    for name, order in {"reversed": tuple(range(8, -1, -1)), "shuffled": (3, 0, 8, 5, 1, 7, 2, 6, 4)}.items():
        other = open_ct(write_slices(SeriesSpec(order=order).slices(), tmp_path / name))
        np.testing.assert_array_equal(other.grid.affine_lps, plain.grid.affine_lps)
        np.testing.assert_array_equal(other.read_all(), plain.read_all())


def test_a_box_is_what_the_slab_holds_there(tmp_path: Path) -> None:
    volume = open_ct(write_slices(SeriesSpec().slices(), tmp_path / "series"))
    box = volume.read_region((2, 3, 1), (9, 7, 6))
    np.testing.assert_array_equal(box, volume.read_slab(1, 6)[2:9, 3:7])
    assert box.dtype == np.float32


@pytest.mark.parametrize("bits_stored", [12, 13, 16])
@pytest.mark.parametrize("is_signed", [False, True])
def test_sign_and_bits_are_honoured(tmp_path: Path, bits_stored: int, is_signed: bool) -> None:
    intercept = 0.0 if is_signed else -1024.0
    spec = SeriesSpec(bits_stored=bits_stored, is_signed=is_signed, intercepts=(intercept,))
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"))
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)


def test_overlay_bits_above_the_stored_bits_are_cleared(tmp_path: Path) -> None:
    spec = SeriesSpec(bits_stored=12)
    slices = spec.slices()
    for ds in slices:
        ds.add_new(0x60000102, "US", 12)
        with_overlay = np.frombuffer(ds.PixelData, "<u2") | 0x5000
        ds["PixelData"].value = with_overlay.tobytes()
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    spec = SeriesSpec(slopes=(1.0, 0.5, 2.0), intercepts=(-1024.0, -1000.0))
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"))
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=1.01)


@pytest.mark.parametrize("limit", [None, 3])
def test_padding_becomes_air(tmp_path: Path, limit: int | None) -> None:
    spec = SeriesSpec()
    slices = spec.slices()
    for ds in slices:
        stored = np.frombuffer(ds.PixelData, "<u2").copy()
        stored[:5] = [0, 1, 2, 3, 4]
        set_stored(ds, stored)
        ds.add_new(0x00280120, "US", 0)
        if limit is not None:
            ds.add_new(0x00280121, "US", limit)
    first = open_ct(write_slices(slices, tmp_path / "series")).read_slab(0, 1)[:5, 0, 0]
    n_padded = 1 if limit is None else limit + 1
    np.testing.assert_array_equal(first, [-1000.0] * n_padded + [-1024.0 + k for k in range(n_padded, 5)])


def test_padding_written_without_the_sign_of_the_pixels_is_understood(tmp_path: Path) -> None:
    slices = SeriesSpec(is_signed=True).slices()
    for ds in slices:
        stored = np.frombuffer(ds.PixelData, "<i2").copy()
        stored[0] = -2000
        set_stored(ds, stored)
        ds.add_new(0x00280120, "US", 63536)
    assert open_ct(write_slices(slices, tmp_path / "series")).read_slab(0, 1)[0, 0, 0] == -1000.0


def test_a_padding_value_that_is_a_tissue_is_warned_of_and_not_applied(tmp_path: Path) -> None:
    spec = SeriesSpec()
    slices = spec.slices()
    for ds in slices:
        ds.add_new(0x00280120, "US", 1024)
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    assert [problem.code for problem in volume.warnings] == [ProblemCode.NOT_HOUNSFIELD]
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)


@pytest.mark.parametrize("syntax", UNCOMPRESSED)
def test_uncompressed_transfer_syntaxes_read_alike(tmp_path: Path, syntax: str) -> None:
    spec = SeriesSpec()
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series", syntax))
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)
    np.testing.assert_array_equal(volume.read_region((1, 2, 3), (5, 6, 7)), volume.read_all()[1:5, 2:6, 3:7])
    assert volume.attributes["transfer_syntax"] == syntax


@pytest.mark.parametrize(
    "name", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless"]
)
@pytest.mark.parametrize("is_signed", [False, True])
def test_what_gdcm_compresses_reads_alike(tmp_path: Path, name: str, is_signed: bool) -> None:
    spec = SeriesSpec(is_signed=is_signed, columns=32, rows=24, intercepts=(0.0 if is_signed else -1024.0,))
    folder = write_slices(spec.slices(), tmp_path / "series")
    plain = open_ct(folder).read_all()
    compress_by_gdcm(folder, name)
    np.testing.assert_array_equal(open_ct(folder).read_all(), plain)


def test_jpeg_2000_that_says_it_is_lossless_is_taken_at_its_word(tmp_path: Path) -> None:
    folder = write_slices(SeriesSpec(columns=32, rows=24).slices(), tmp_path / "series")
    plain = open_ct(folder).read_all()
    compress_by_gdcm(folder, "JPEG2000Lossless")
    for path in folder.iterdir():
        ds = dcmread(path)
        ds.file_meta.TransferSyntaxUID = JPEG2000
        ds.LossyImageCompression = "00"
        ds.save_as(path)
    volume = open_ct(folder)
    assert volume.warnings == ()
    np.testing.assert_array_equal(volume.read_all(), plain)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_what_pydicom_compresses_reads_alike(tmp_path: Path, syntax: str) -> None:
    spec = SeriesSpec(columns=32, rows=24)
    slices = spec.slices()
    for ds in slices:
        ds.compress(syntax)
    folder = write_slices(slices, tmp_path / "series")
    volume = open_ct(folder)
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)
    zipped = open_ct(zip_folder(folder, tmp_path / "series.zip"))
    np.testing.assert_array_equal(zipped.read_region((1, 2, 3), (5, 6, 7)), volume.read_all()[1:5, 2:6, 3:7])


def test_the_real_slice_is_the_same_in_all_its_transfer_syntaxes(tmp_path: Path, data_dir: Path) -> None:
    volumes = {
        path.stem: three_of(path, tmp_path / path.stem) for path in sorted((data_dir / "dicom_codecs").glob("*.dcm"))
    }
    assert len(volumes) == 5
    plain = volumes["explicit_little_endian"].read_all()
    for volume in volumes.values():
        np.testing.assert_array_equal(volume.read_all(), plain)


def three_of(path: Path, folder: Path) -> CTVolume:
    """Return the series of one slice put at three places, since one slice is no volume."""
    folder.mkdir()
    for number in range(3):
        ds = dcmread(path)
        ds.ImagePositionPatient[2] = 2.0 * number
        ds.SliceThickness = 2.0
        del ds.SliceLocation
        ds.save_as(folder / f"{number}.dcm")
    return open_ct(folder)


def test_a_zip_reads_as_its_folder(tmp_path: Path) -> None:
    folder = write_slices(SeriesSpec().slices(), tmp_path / "series")
    plain, zipped = open_ct(folder), open_ct(zip_folder(folder, tmp_path / "series.zip"))
    np.testing.assert_array_equal(zipped.read_all(), plain.read_all())
    np.testing.assert_array_equal(zipped.grid.affine_lps, plain.grid.affine_lps)
    assert dict(zipped.attributes) == dict(plain.attributes)


def test_simpleitk_agrees_on_real_series(tmp_path: Path, data_dir: Path) -> None:
    import zipfile

    for name in ("LIDC-IDRI-0001.zip", "LIDC-IDRI-0003.zip"):
        with zipfile.ZipFile(data_dir / "lidc_dicom" / name) as archive:
            archive.extractall(tmp_path / name)
        folder = next((tmp_path / name).rglob("*.dcm")).parent
        volume = open_ct(data_dir / "lidc_dicom" / name)
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        image = reader.Execute()
        assert volume.grid.size_xyz == image.GetSize()
        corner = [size - 1 for size in image.GetSize()]
        for index in ([0, 0, 0], corner, [10, 200, 30]):
            there = image.TransformIndexToPhysicalPoint(index)
            np.testing.assert_allclose(volume.grid.lps_from_voxel(index), there, atol=1e-4)
        theirs = sitk.GetArrayViewFromImage(image).transpose(2, 1, 0)[:, :, 40:60]
        # Padding (stored -2000) is air here and -3024 HU there.
        np.testing.assert_array_equal(volume.read_slab(40, 60), np.where(theirs == -3024, -1000, theirs))


@pytest.mark.parametrize(
    "spec", [SeriesSpec(), SIGNED_SAGITTAL, replace(SIGNED_SAGITTAL, row=(-1, 0, 0), column=(0, 1, 0))]
)
def test_simpleitk_agrees_on_phantoms(tmp_path: Path, spec: SeriesSpec) -> None:
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "series")))
    image = reader.Execute()
    np.testing.assert_array_equal(volume.read_all(), sitk.GetArrayViewFromImage(image).transpose(2, 1, 0))
    there = image.TransformIndexToPhysicalPoint([3, 4, 5])
    np.testing.assert_allclose(volume.grid.lps_from_voxel([3, 4, 5]), there, atol=1e-6)


def test_nothing_tells_who_the_patient_is(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    del slices[4]
    volume = open_ct(write_slices(slices, tmp_path / "series"), allow=[ProblemCode.MISSING_SLICES])
    told = f"{dict(volume.attributes)} {volume.warnings}"
    assert "SECRET" not in told
    assert "Nobody" not in told
    assert {"series_uid", "study_uid", "frame_of_reference_uid", "transfer_syntax"} <= set(volume.attributes)


def test_files_of_other_kinds_beside_the_slices_are_passed_over(tmp_path: Path) -> None:
    folder = write_slices(SeriesSpec().slices(), tmp_path / "series")
    (folder / "LICENSE").write_text("free")
    (folder / "notes.txt").write_bytes(b"")
    (folder / ".hidden.dcm").write_bytes(b"x")
    assert open_ct(folder).warnings == ()


def without_preamble(path: Path) -> None:
    path.write_bytes(path.read_bytes()[132:])


def with_private_ocean(path: Path) -> None:
    """Give a header more private bytes than one read takes."""
    ds = dcmread(path)
    ds.private_block(0x0011, "NODULUS TEST", create=True).add_new(0x01, "OB", bytes(70000))
    ds.save_as(path)


def with_sequences(path: Path) -> None:
    """Give a header sequences of undefined length, nested, and one whose VR was lost."""
    ds = dcmread(path)
    inner, outer = Dataset(), Dataset()
    inner.CodeValue, inner.PixelSpacing = "7", [9.0, 9.0]
    outer.PurposeOfReferenceCodeSequence = [inner]
    ds.ReferencedImageSequence = [outer, outer]
    ds["ReferencedImageSequence"].is_undefined_length = True
    for item in ds.ReferencedImageSequence:
        item.is_undefined_length_sequence_item = True
    ds.save_as(path)
    data = path.read_bytes()
    nested = b"\x08\x00\x00\x01\x02\x00\x00\x007 "
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + nested + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
    unknown = b"\x09\x00\x10\x10UN\x00\x00\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    at = data.index(b"\x18\x00\x50\x00DS")
    path.write_bytes(data[:at] + unknown + data[at:])


@pytest.mark.parametrize("change", [without_preamble, with_private_ocean, with_sequences])
def test_unusual_headers_are_understood(tmp_path: Path, change: Callable[[Path], None]) -> None:
    spec = SeriesSpec()
    folder = write_slices(spec.slices(), tmp_path / "series")
    for path in folder.iterdir():
        change(path)
    volume = open_ct(folder)
    assert volume.grid.spacing_mm == pytest.approx((0.8, 1.2, 2.0))
    np.testing.assert_allclose(volume.read_all(), expected_hu(spec), atol=0.51)
