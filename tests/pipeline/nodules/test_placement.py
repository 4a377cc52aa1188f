"""Which nodules a scan can be asked about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.placement import nodule_box, nodule_problem
from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.problems import ProblemCode
from nodulus.transforms.volume import CTVolume, volume_from_array

GRID = Grid((40, 40, 20), affine_from((-20, -20, -20), np.eye(3), (1, 1, 2)))


@pytest.fixture
def scan() -> CTVolume:
    return volume_from_array(np.zeros(GRID.size_xyz, dtype=np.float32), GRID)


def nodule(x: float = 0, y: float = 0, z: float = 0, diameter_mm: float = 8) -> Nodule:
    return Nodule("a", (x, y, z), diameter_mm)


def code_of(one: Nodule, scan: CTVolume) -> ProblemCode | None:
    problem = nodule_problem(one, scan)
    return None if problem is None else problem.code


def test_a_nodule_in_the_middle_has_no_problem(scan: CTVolume) -> None:
    assert nodule_problem(nodule(), scan) is None


def test_a_centre_outside_is_named_with_the_scan_s_reach(scan: CTVolume) -> None:
    problem = nodule_problem(nodule(x=120), scan)
    assert problem is not None
    assert problem.code == ProblemCode.NODULE_OUTSIDE
    assert problem.items == ("a",)
    assert "-20.0..19.0 x -20.0..19.0 x -20.0..18.0" in problem.message
    assert "(120.0, 0.0, 0.0)" in problem.message


def test_a_nodule_at_the_edge_is_judged_and_one_in_the_corner_is_not(scan: CTVolume) -> None:
    assert code_of(nodule(x=19), scan) is None  # a little more than half of its box is scanned
    assert code_of(nodule(x=19, y=19), scan) == ProblemCode.NODULE_OUTSIDE  # a quarter


def test_a_nodule_whose_box_crosses_a_gap_is_refused_and_its_neighbours_are_not(scan: CTVolume) -> None:
    with_gap = replace(scan, gaps_k=(10,))  # between z = 0 and z = 2
    assert code_of(nodule(z=1), with_gap) == ProblemCode.MISSING_SLICES
    assert code_of(nodule(z=-10), with_gap) is None
    assert code_of(nodule(z=10), with_gap) is None


def test_own_box_is_taken_before_that_of_the_diameter() -> None:
    assert nodule_box(nodule()).low_lps_mm == pytest.approx((-5.0, -5.0, -3.2))
    own = replace(nodule(), box_lps_mm=(-1.0, -2.0, -3.0, 1.0, 2.0, 3.0))
    assert nodule_box(own).high_lps_mm == (1.0, 2.0, 3.0)
