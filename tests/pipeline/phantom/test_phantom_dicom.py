"""The phantom as a DICOM series, read by others' readers."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from nodulus.pipeline.phantom import Phantom, PhantomSpec, make_phantom, write_dicom_series
from nodulus.transforms.geometry import Triple

SPEC = PhantomSpec((20, 16, 8), (1.3, 0.9, 2.5), origin_lps_mm=(-90.0, -20.0, 30.25))


def oblique() -> PhantomSpec:
    """Turned about two axes, as no scanner would, so that every cosine counts."""
    a, b = np.deg2rad(14.0), np.deg2rad(-9.0)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rows: list[Triple] = [(float(x), float(y), float(z)) for x, y, z in about_x @ about_y]
    return replace(SPEC, direction_lps=(rows[0], rows[1], rows[2]))


@pytest.fixture(params=[SPEC, oblique()], ids=["straight", "oblique"], scope="module")
def phantom(request: pytest.FixtureRequest) -> Phantom:
    return make_phantom(request.param)


@pytest.fixture
def folder(phantom: Phantom, tmp_path: Path) -> Path:
    return write_dicom_series(phantom, tmp_path / "study" / "series")


def test_simpleitk_reads_the_same_voxels_at_the_same_places(phantom: Phantom, folder: Path) -> None:
    reader = sitk.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(folder))
    reader.SetFileNames(names)
    image = reader.Execute()
    assert len(names) == 8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).T, phantom.intensity_hu)
    np.testing.assert_allclose(image.GetSpacing(), phantom.spec.spacing_mm, atol=1e-6)
    for voxel in ((0, 0, 0), (19, 0, 0), (0, 15, 0), (3, 4, 7)):
        expected = (phantom.affine_lps @ (*voxel, 1))[:3]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(voxel), expected, atol=1e-4)


def test_dciodvfy_finds_no_fault(folder: Path) -> None:
    tool = shutil.which("dciodvfy")
    if tool is None:
        if os.environ.get("CI") == "true":
            pytest.fail("dciodvfy is not installed; CI needs it (Debian: dicom3tools)")
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    for path in sorted(folder.iterdir())[::7]:
        said = subprocess.run([tool, "-new", str(path)], capture_output=True, text=True, check=False)
        complaints = [line for line in (said.stdout + said.stderr).splitlines() if "Error" in line or "Warning" in line]
        assert complaints == []
        assert said.returncode == 0


def test_slices_share_study_and_series_and_differ_in_instance(folder: Path) -> None:
    images = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    for shared in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({getattr(image, shared) for image in images}) == 1
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert [image.InstanceNumber for image in images] == list(range(1, len(images) + 1))
    assert all(image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID for image in images)


def test_series_says_that_it_is_no_patient(folder: Path) -> None:
    image = pydicom.dcmread(next(folder.iterdir()))
    assert (image.PatientName, image.PatientID) == ("PHANTOM^NODULUS", "NODULUS-PHANTOM")
    assert not image.PatientBirthDate
    assert "ynthetic" in image.SeriesDescription
    assert "no patient" in image.ImageComments
    assert image.QualityControlImage == "YES"


def test_same_phantom_gives_the_same_files_and_another_other_uids(tmp_path: Path) -> None:
    phantom = make_phantom(SPEC)
    first, second = (write_dicom_series(phantom, tmp_path / name) for name in ("a", "b"))
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()
    other = write_dicom_series(make_phantom(replace(SPEC, seed=1)), tmp_path / "c")
    one, another = (pydicom.dcmread(folder / "IM0001.dcm") for folder in (first, other))
    assert one.SeriesInstanceUID != another.SeriesInstanceUID
    assert one.SOPInstanceUID != another.SOPInstanceUID


def test_folder_with_files_in_it_is_refused_and_an_empty_one_filled(tmp_path: Path) -> None:
    phantom = make_phantom(SPEC)
    folder = tmp_path / "series"
    folder.mkdir()
    write_dicom_series(phantom, folder)
    with pytest.raises(FileExistsError, match="Expected an empty or new folder"):
        write_dicom_series(phantom, folder)
    assert [each.name for each in tmp_path.iterdir()] == ["series"]
    assert len(list(folder.iterdir())) == 8
