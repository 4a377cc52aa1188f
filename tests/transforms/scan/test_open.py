"""The one door to a scan: by what the path holds, and whether it shows a lung."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from nodulus.transforms.problems import ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import Floats, SeriesSpec, write_slices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_slices(SeriesSpec().slices(), tmp_path / "series")


def test_a_scan_reads_alike_as_dicom_and_as_image_files(folder: Path, tmp_path: Path) -> None:
    dicom = open_ct(folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    for name in ("scan.nii", "scan.nii.gz", "scan.mha", "scan.mhd", "scan.nrrd"):
        sitk.WriteImage(image, str(tmp_path / name))
        volume = open_ct(tmp_path / name, allow=["not_hounsfield"])  # a field, no body
        np.testing.assert_allclose(volume.grid.affine_lps, dicom.grid.affine_lps, atol=1e-5)
        np.testing.assert_array_equal(volume.read_all(), dicom.read_all())


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        open_ct(tmp_path / "nowhere")


def bodies(folder: Path, inside_hu: float) -> Iterator[Path]:
    """Write a cylinder of tissue around something else, as DICOM and as an image file; yield where they are."""

    def field_hu(points_lps_mm: Floats) -> Floats:
        distance = np.hypot(points_lps_mm[..., 0], points_lps_mm[..., 1])
        air_hu = -990.0 + 0.2 * points_lps_mm[..., 0]  # one value all round would be padding, and no air
        return np.where(distance < 25, inside_hu, np.where(distance < 40, 40.0, air_hu))

    spec = SeriesSpec(64, 64, (1.5, 1.5), origin_lps_mm=(-47.25, -47.25, 0.0), field_hu=field_hu)
    yield write_slices(spec.slices(), folder / "dicom")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder / "dicom")))
    sitk.WriteImage(reader.Execute(), str(folder / "scan.nii.gz"))
    yield folder / "scan.nii.gz"


@pytest.mark.parametrize(("inside_hu", "codes"), [(-850.0, []), (30.0, [ProblemCode.NO_LUNG])])
def test_a_scan_without_lung_is_warned_of_where_it_is_opened(
    inside_hu: float, codes: list[ProblemCode], tmp_path: Path
) -> None:
    for place in bodies(tmp_path, inside_hu):
        assert [warning.code for warning in open_ct(place).warnings] == codes
        assert open_ct(place, expect_lung=False).warnings == ()


def test_the_look_for_a_lung_is_the_last_warning(tmp_path: Path) -> None:
    dicom, _ = bodies(tmp_path, 30.0)
    (dicom / "0004.dcm").unlink()
    volume = open_ct(dicom, allow="missing_slices")
    assert [warning.code for warning in volume.warnings] == [ProblemCode.MISSING_SLICES, ProblemCode.NO_LUNG]


def test_codes_to_allow_are_words_of_a_text_or_a_list(tmp_path: Path) -> None:
    dicom, _ = bodies(tmp_path, -850.0)
    (dicom / "0004.dcm").unlink()
    for allow in ("missing_slices", "lossy, missing_slices", ["missing_slices"], (ProblemCode.MISSING_SLICES,)):
        assert [warning.code for warning in open_ct(dicom, allow=allow).warnings] == [ProblemCode.MISSING_SLICES]
    for unknown in ("everything", ["lossy", "everything"]):
        with pytest.raises(UsageError, match="got 'everything'"):
            open_ct(dicom, allow=unknown)
