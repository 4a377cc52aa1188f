"""The phantom as NIfTI and as a table."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from nodulus.pipeline.phantom import Phantom, PhantomSpec, make_phantom, write_nifti, write_nodule_table
from nodulus.transforms.geometry import Triple

TURN = np.deg2rad(20.0)
COSINE, SINE = float(np.cos(TURN)), float(np.sin(TURN))
OBLIQUE: tuple[Triple, Triple, Triple] = ((COSINE, -SINE, 0.0), (SINE, COSINE, 0.0), (0.0, 0.0, 1.0))
MIRRORED: tuple[Triple, Triple, Triple] = ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
STRAIGHT: tuple[Triple, Triple, Triple] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def small(direction_lps: tuple[Triple, Triple, Triple] = STRAIGHT) -> Phantom:
    return make_phantom(
        PhantomSpec((18, 14, 10), (1.3, 1.1, 2.5), origin_lps_mm=(-90, -20, 30), direction_lps=direction_lps)
    )


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("direction_lps", [STRAIGHT, OBLIQUE, MIRRORED], ids=["straight", "oblique", "mirrored"])
def test_nibabel_finds_each_voxel_where_the_phantom_has_it(
    name: str, direction_lps: tuple[Triple, Triple, Triple], tmp_path: Path
) -> None:
    phantom = small(direction_lps)
    image = nib.load(write_nifti(phantom, tmp_path / name))
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), phantom.intensity_hu)
    voxel = np.array([5, 7, 3, 1])
    x, y, z = (phantom.affine_lps @ voxel)[:3]
    for affine_ras, code in (image.get_qform(coded=True), image.get_sform(coded=True)):
        assert code == 1
        np.testing.assert_allclose((affine_ras @ voxel)[:3], (-x, -y, z), atol=1e-3)


def test_nifti_stores_hounsfield_units_as_they_are(tmp_path: Path) -> None:
    stored = write_nifti(small(), tmp_path / "a.nii").read_bytes()
    slope, intercept = np.frombuffer(stored[112:120], dtype="<f4")
    assert (slope, intercept) == (1.0, 0.0)
    assert np.frombuffer(stored[70:72], dtype="<i2")[0] == 4  # NIFTI_TYPE_INT16
    assert stored[123] & 7 == 2  # NIFTI_UNITS_MM


def test_nifti_of_the_same_phantom_is_the_same_file(tmp_path: Path) -> None:
    first, second = (write_nifti(small(), tmp_path / folder / "a.nii.gz") for folder in ("x", "y"))
    assert first.read_bytes() == second.read_bytes()


def test_table_gives_the_nodules_in_lps_millimetres(tmp_path: Path) -> None:
    phantom = small()
    path = write_nodule_table(phantom, tmp_path / "deep" / "nodules.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm"]
    read = [(row["nodule_id"], (float(row["x_mm"]), float(row["y_mm"]), float(row["z_mm"]))) for row in rows]
    assert read == [(nodule.nodule_id, nodule.center_lps_mm) for nodule in phantom.nodules]
    assert [float(row["diameter_mm"]) for row in rows] == [nodule.diameter_mm for nodule in phantom.nodules]


def test_file_that_is_there_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "nodules.csv"
    path.write_text("old")
    write_nodule_table(small(), path)
    assert path.read_text().startswith("nodule_id,")
    assert [each.name for each in tmp_path.iterdir()] == ["nodules.csv"]
