"""A table in another frame or unit is named with what would put its nodules in lung; a right one is left in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.readings import frame_warning
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.transforms.geometry import Grid, swap_lps_ras_points
from nodulus.transforms.problems import ProblemCode
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume

KNOWN = {  # archive: nodules as the readers of LIDC-IDRI marked them
    "LIDC-IDRI-0001.zip": [Nodule("R_1", (56.208, 86.343, -115.868), 23.4)],
    "LIDC-IDRI-0003.zip": [
        Nodule("R_2", (72.287, 76.900, -190.459), 21.5),
        Nodule("R_3", (23.491, -47.634, -172.279), 8.8),
        Nodule("R_4", (-47.403, -30.171, -169.624), 12.8),
    ],
}
Mistake = Callable[[Grid, np.ndarray], np.ndarray]
MISTAKES: dict[str, Mistake] = {
    "RAS": lambda _, points: swap_lps_ras_points(points),
    "cm": lambda _, points: points / 10,
    "m": lambda _, points: points / 1000,
    "RAS in cm": lambda _, points: swap_lps_ras_points(points) / 10,
    "RAS in m": lambda _, points: swap_lps_ras_points(points) / 1000,
    "voxel indices x, y, z": lambda grid, points: np.rint(grid.voxel_from_lps(points)),
    "voxel indices z, y, x": lambda grid, points: grid.voxel_from_lps(points)[:, ::-1],
    "voxel indices x, y, z, the last slice first": lambda grid, points: (
        grid.voxel_from_lps(points) * [1, 1, -1] + [0, 0, grid.size_xyz[2] - 1]
    ),
}


def mistaken(nodules: Any, grid: Grid, mistake: str) -> list[Nodule]:
    points = MISTAKES[mistake](grid, np.asarray([nodule.center_lps_mm for nodule in nodules]))
    return [replace(nodule, center_lps_mm=tuple(at.tolist())) for nodule, at in zip(nodules, points, strict=True)]


@pytest.fixture(scope="module")
def phantom(study: DemoStudy) -> CTVolume:
    return open_ct(study.dicom_folder)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_right_reading_is_named_for_the_phantom(mistake: str, study: DemoStudy, phantom: CTVolume) -> None:
    nodules = mistaken(study.marked.nodules, phantom.grid, mistake)
    warning = frame_warning(nodules, phantom)
    assert warning is not None
    n = len(nodules)
    assert warning.code == ProblemCode.FRAME_DOUBTFUL
    assert warning.message.endswith(f"; as {mistake} {n} of {n} lie in lung")
    assert f"of {n} nodules that lie where no nodule is" in warning.message


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("archive", KNOWN)
def test_the_right_reading_is_named_for_known_nodules(archive: str, mistake: str, data_dir: Path) -> None:
    volume = open_ct(data_dir / "lidc_dicom" / archive)
    for nodules in (KNOWN[archive], *([nodule] for nodule in KNOWN[archive])):
        warning = frame_warning(mistaken(nodules, volume.grid, mistake), volume)
        assert warning is not None
        assert f"; as {mistake} {len(nodules)} of {len(nodules)} lie in lung" in warning.message
        assert warning.items == tuple(nodule.nodule_id for nodule in nodules)


@pytest.mark.parametrize("archive", KNOWN)
def test_known_nodules_raise_no_alarm_together_or_alone(archive: str, data_dir: Path) -> None:
    volume = open_ct(data_dir / "lidc_dicom" / archive)
    for nodules in (KNOWN[archive], *([nodule] for nodule in KNOWN[archive])):
        assert frame_warning(nodules, volume) is None


def test_the_phantom_s_nodules_raise_no_alarm_together_or_alone(study: DemoStudy, phantom: CTVolume) -> None:
    for nodules in (study.marked.nodules, *([nodule] for nodule in study.marked.nodules)):
        assert frame_warning(nodules, phantom) is None


def test_the_diameters_may_be_in_the_other_unit_too(study: DemoStudy, phantom: CTVolume) -> None:
    wrong = mistaken(study.marked.nodules, phantom.grid, "cm")
    warning = frame_warning([replace(one, diameter_mm=max(1.0, one.diameter_mm / 10)) for one in wrong], phantom)
    assert warning is not None
    assert "; as cm " in warning.message


def test_a_stated_ras_that_was_lps_is_named_lps(study: DemoStudy, phantom: CTVolume) -> None:
    warning = frame_warning(mistaken(study.marked.nodules, phantom.grid, "RAS"), phantom, "RAS")
    assert warning is not None
    assert "; as LPS " in warning.message


def test_places_that_hold_nothing_under_any_reading_are_not_explained(phantom: CTVolume) -> None:
    spine = Nodule("spine", (0.0, 75.0, 40.0), 10)
    assert frame_warning([spine], phantom) is None
    assert frame_warning([Nodule("far", (4000.0, 3000.0, -9000.0), 10)], phantom) is None


def test_a_few_lost_among_many_right_ones_are_no_matter_of_frame(study: DemoStudy, phantom: CTVolume) -> None:
    right = list(study.marked.nodules)
    wrong = [replace(one, nodule_id=f"{one.nodule_id}w") for one in mistaken(right[:2], phantom.grid, "RAS")]
    assert frame_warning([*right, *wrong], phantom) is None


def test_where_the_places_are_known_to_be_right_no_voxel_is_read(study: DemoStudy, phantom: CTVolume) -> None:
    def read_slab(_k_start: int, _k_stop: int) -> np.ndarray:
        raise AssertionError

    blind = CTVolume(phantom.grid, read_slab, "ct")
    assert frame_warning(study.marked.nodules, blind, doubtful={study.marked.nodules[0].nodule_id}) is None


def test_of_many_nodules_some_are_looked_at(study: DemoStudy, phantom: CTVolume) -> None:
    reads = 0

    def read_box(low: Any, high: Any) -> np.ndarray:
        nonlocal reads
        reads += 1
        return phantom.read_region(low, high)

    counting = replace(phantom, read_box=read_box)
    many = [
        replace(one, nodule_id=f"{one.nodule_id}-{number}")
        for one in mistaken(study.marked.nodules, phantom.grid, "RAS")
        for number in range(200)
    ]
    assert frame_warning(many, counting) is not None
    assert reads < 150
