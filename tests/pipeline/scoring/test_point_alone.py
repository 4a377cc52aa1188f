"""A point without a diameter: the diameter is measured, said to be, and refused where none can be."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.pipeline.scoring.point_alone import nodule_at
from nodulus.transforms.geometry import Grid, affine_from, swap_lps_ras
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import CTVolume, volume_from_array

SHAPE = (60, 60, 34)
POINT = (22.0, 22.0, 21.0)


def chest(diameter_mm: float) -> CTVolume:
    grid = Grid(SHAPE, affine_from((0, 0, 0), np.eye(3), (0.75, 0.75, 1.25)))
    places = grid.lps_from_voxel(np.moveaxis(np.indices(SHAPE), 0, -1)) - POINT
    inside = np.linalg.norm(places, axis=-1) < diameter_mm / 2
    blurred = gaussian_filter(np.where(inside, 30.0, -860.0), (0.9, 0.9, 0.6))
    noise = gaussian_filter(np.random.default_rng(3).normal(0, 40, SHAPE), (0.6, 0.6, 0))
    return volume_from_array((blurred + noise).astype(np.float32), grid)


@pytest.mark.parametrize("diameter_mm", [5.0, 7.0, 10.0, 14.0])
def test_the_diameter_of_a_ball_is_found(diameter_mm: float) -> None:
    nodule = nodule_at(chest(diameter_mm), POINT)
    assert nodule.diameter_mm == pytest.approx(diameter_mm, rel=0.25)
    assert nodule.center_lps_mm == POINT


@pytest.mark.parametrize("point", [(22.0, 22.0, 7.0), (500.0, 0.0, 0.0)], ids=["lung", "beside"])
def test_where_no_nodule_is_a_diameter_is_asked_for(point: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="Expected --diameter MM beside --point"):
        nodule_at(chest(6.0), point)


def test_the_command_takes_a_point_and_says_what_it_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    volume = chest(10.0)
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(volume.read_all().astype(np.int16), swap_lps_ras(volume.grid.affine_lps)), path)
    words = ["infer", str(path), "--point", "22,22,21", "--allow", "not_hounsfield", "-o", str(tmp_path / "out")]
    assert run(words) == 0, capfd.readouterr().err
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    (nodule,) = case.nodules
    assert nodule.diameter_mm == pytest.approx(10, rel=0.25)
    assert case.nodules_from is not None
    assert case.nodules_from.notes == (f"diameter of {nodule.diameter_mm:.1f} mm measured at the point",)
    assert "measured at the point" in capfd.readouterr().out


def test_a_refused_scan_is_recorded_without_a_nodule(tmp_path: Path, study: DemoStudy) -> None:
    broken = tmp_path / "scan.nii.gz"
    broken.write_bytes(study.nifti.read_bytes()[:100_000])
    assert run(["infer", str(broken), "--point", "1,2,3", "-o", str(tmp_path / "out")]) == 3
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    assert case.status == "refused"
    assert case.nodules == ()
