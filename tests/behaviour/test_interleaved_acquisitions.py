"""Two acquisitions in one series whose slices alternate: one is read where a tag tells, else they are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import SeriesSpec, write_slices
from tests.support.moving_chest import SPEC, chest_hu, phase, shown


def without_numbers(slices: list[Dataset]) -> list[Dataset]:
    for ds in slices:
        del ds.InstanceNumber
    return slices


def time_of(hour: int) -> Any:
    return lambda index: f"{hour}00{index:02d}.250000"


TELLING: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "time": ({"AcquisitionTime": "110000"}, {"AcquisitionTime": "111500"}, 1),
    "time of each slice": ({"AcquisitionTime": time_of(11)}, {"AcquisitionTime": time_of(12)}, 1),
    "content time": ({"ContentTime": time_of(11)}, {"ContentTime": time_of(12)}, 1),
    "trigger": ({"TriggerTime": "0"}, {"TriggerTime": "400"}, 1),
    "agent": ({}, {"ContrastBolusAgent": "IOHEXOL"}, 1),
    "image type": ({}, {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "PHASE 2"]}, 1),
    "description": ({"SeriesDescription": "inspiration"}, {"SeriesDescription": "expiration"}, 1),
    "tube current": ({"XRayTubeCurrent": "200"}, {"XRayTubeCurrent": "80"}, 1),
    "acquisition number": ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}, 1),
    "echo time": ({"EchoTime": "2"}, {"EchoTime": "5"}, 1),
    "comment": ({"ImageComments": "insp"}, {"ImageComments": "exp"}, 1),
    "study id": ({"StudyID": "a"}, {"StudyID": "b"}, 1),
    "cardiac phase": ({"NominalPercentageOfCardiacPhase": 30.0}, {"NominalPercentageOfCardiacPhase": 70.0}, 1),
    "position in time": ({"TemporalPositionIndex": 1}, {"TemporalPositionIndex": 2}, 1),
    "blocks of instance numbers": ({}, {}, 21),
    "blocks of instance numbers far apart": ({}, {}, 1000),
}
SECOND = {
    "moved": shown(moved_mm=9.0),
    "moved little": shown(moved_mm=4.0),
    "contrast": shown(brighter_hu=60.0),
    "noise": shown(moved_mm=9.0, noise_hu=40.0, seed=3),
}


def assert_first_phase_is_read(slices: list[Dataset], folder: Path) -> None:
    volume = open_ct(write_slices(slices, folder), expect_lung=False)
    assert [problem.code for problem in volume.warnings] == [Code.MIXED_SERIES]
    assert len(volume.warnings[0].items) == 2
    assert volume.grid.size_xyz[2] == 20
    assert volume.grid.spacing_mm[2] == pytest.approx(2.0)
    spec = replace(SPEC, origin_lps_mm=(-6.0, -5.0, -20.0))
    np.testing.assert_allclose(volume.read_slab(7, 8)[:, :, 0], chest_hu(spec.points(7)).T, atol=0.51)


@pytest.mark.parametrize("name", TELLING)
@pytest.mark.parametrize("shift_mm", [1.0, 0.7])
def test_one_acquisition_is_read_where_a_tag_tells(tmp_path: Path, name: str, shift_mm: float) -> None:
    first, second, number = TELLING[name]
    slices = [*phase(-20, shown(), **first), *phase(-20 + shift_mm, shown(moved_mm=9.0), number, **second)]
    if number == 1:
        without_numbers(slices)
    assert_first_phase_is_read(slices, tmp_path / "series")


def test_a_number_that_tells_is_said_as_one(tmp_path: Path) -> None:
    first, second, _ = TELLING["cardiac phase"]
    slices = [*phase(-20, shown(), **first), *phase(-19, shown(moved_mm=9.0), **second)]
    warning = open_ct(write_slices(without_numbers(slices), tmp_path / "series"), expect_lung=False).warnings[0]
    assert "read 30, the one with most slices or first" in warning.message


@pytest.mark.parametrize("name", SECOND)
def test_acquisitions_that_nothing_tells_apart_are_refused(tmp_path: Path, name: str) -> None:
    slices = without_numbers([*phase(-20, shown()), *phase(-19, SECOND[name])])
    with pytest.raises(InputRefusedError, match=r"mixed_series: .*alternate between 2 stacks"):
        open_ct(write_slices(slices, tmp_path / "series"))


def test_instance_numbers_that_run_with_the_positions_do_not_hide_two_acquisitions(tmp_path: Path) -> None:
    slices = [*phase(-20, shown()), *phase(-19, shown(moved_mm=9.0))]
    for index, ds in enumerate(sorted(slices, key=lambda ds: float(ds.ImagePositionPatient[2]))):
        ds.InstanceNumber = index + 1
    with pytest.raises(InputRefusedError, match="mixed_series"):
        open_ct(write_slices(slices, tmp_path / "series"))


def test_three_acquisitions_are_told_from_two(tmp_path: Path) -> None:
    fields = [shown(moved_mm=9.0 * n) for n in range(3)]
    slices = without_numbers([ds for n, field in enumerate(fields) for ds in phase(-20 + n * 2 / 3, field)])
    with pytest.raises(InputRefusedError, match=r"mixed_series: .*alternate between 3 stacks"):
        open_ct(write_slices(slices, tmp_path / "series"))


def overlapping(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what slices of 2 mm show every mm: neighbours share half of what was scanned."""
    return np.asarray(np.mean([chest_hu(points + np.array([0, 0, z])) for z in (-1.0, -0.5, 0.0, 0.5, 1.0)], axis=0))


def breathing(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a chest that jumps by 9 mm half way."""
    return chest_hu(points + np.array([0, 0, 9.0]) * (points[..., 2:] > 0))


def one_slice_moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return chest_hu(points + np.array([0, 0, 9.0]) * (np.abs(points[..., 2:]) < 0.5))


HONEST: dict[str, SeriesSpec] = {
    "plain": replace(SPEC, field_hu=chest_hu),
    "overlapping": replace(SPEC, field_hu=overlapping, step_mm=1.0),
    "thin and noisy": replace(
        SPEC, field_hu=shown(noise_hu=100.0, seed=1), intercepts=(-2048.0,), step_mm=0.5, thickness_mm=0.5
    ),
    "breathing": replace(SPEC, field_hu=breathing, origin_lps_mm=(-6.0, -5.0, -19.0)),
    "one slice moved": replace(SPEC, field_hu=one_slice_moved, origin_lps_mm=(-6.0, -5.0, -18.0)),
    "the same everywhere": replace(SPEC, field_hu=lambda points: chest_hu(points * [1, 1, 0])),
}


@pytest.mark.parametrize("name", HONEST)
def test_one_acquisition_passes(tmp_path: Path, name: str) -> None:
    slices = without_numbers(HONEST[name].slices())
    volume = open_ct(write_slices(slices, tmp_path / "series"), expect_lung=False)
    assert volume.warnings == ()
    assert volume.grid.size_xyz[2] == 20
