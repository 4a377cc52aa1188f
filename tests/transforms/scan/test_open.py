"""The one door to a scan: by content, and from memory where nothing has changed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError
from nodulus.transforms.scan.open import open_ct, open_ct_cached
from tests.support.dicom_series_writer import SeriesSpec, write_slices


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
        volume = open_ct(tmp_path / name, allow=["not_hounsfield"])  # type: ignore[list-item]  # a field, no body
        np.testing.assert_allclose(volume.grid.affine_lps, dicom.grid.affine_lps, atol=1e-5)
        np.testing.assert_array_equal(volume.read_all(), dicom.read_all())


def test_a_scan_that_did_not_change_is_opened_once(folder: Path) -> None:
    first = open_ct_cached(folder)
    assert open_ct_cached(folder) is first
    assert open_ct_cached(str(folder)) is first
    assert open_ct_cached(folder, allow=[ProblemCode.LOSSY]) is not first
    assert open_ct_cached(folder, series_uid=SeriesSpec().series_uid) is not first


def test_a_scan_that_changed_is_opened_again(folder: Path) -> None:
    first = open_ct_cached(folder)
    file = folder / "0003.dcm"
    os.utime(file, ns=(1, 1))
    second = open_ct_cached(folder)
    assert second is not first
    (folder / "0008.dcm").unlink()
    assert open_ct_cached(folder).grid.size_xyz[2] == 8


def test_a_refusal_is_not_kept(folder: Path) -> None:
    lost = (folder / "0004.dcm").read_bytes()
    (folder / "0004.dcm").unlink()
    with pytest.raises(InputRefusedError, match="missing_slices"):
        open_ct_cached(folder)
    (folder / "0004.dcm").write_bytes(lost)
    assert open_ct_cached(folder).grid.size_xyz[2] == 9


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        open_ct_cached(tmp_path / "nowhere")
