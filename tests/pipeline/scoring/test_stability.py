"""The band of a score: which changes it tries, that it holds the score, and that it is the same each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nodulus.pipeline import Scorer
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import NoduleResult
from nodulus.pipeline.results.stability import Stability
from nodulus.pipeline.scoring.prediction import NodulePrediction
from nodulus.pipeline.scoring.stability import stability_of
from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.problems import InputRefusedError, ProblemCode, refuse
from nodulus.transforms.volume import CTVolume, volume_from_array

SHAPE = (60, 60, 20)
POINT = (30.0, 28.0, 20.0)


def scan(noise_hu: float = 20.0) -> CTVolume:
    hu = np.random.default_rng(0).normal(-800, noise_hu, SHAPE) if noise_hu else np.full(SHAPE, -800.0)
    return volume_from_array(hu.astype(np.float32), Grid(SHAPE, affine_from((0, 0, 0), np.eye(3), (1, 1, 2))))


def item(**changes: Any) -> dict[str, Any]:
    return {"image": scan(), "nodule_id": "n", "center_lps_mm": POINT, "diameter_mm": 8.0, **changes}


@dataclass(frozen=True)
class Said:
    """All of a prediction that a band is made of."""

    malignant: float


class Asked:
    """Stands for the network: notes what it is asked, and says a number that depends on all of it."""

    def __init__(self) -> None:
        self.items: list[Mapping[str, Any]] = []
        self.read: list[NDArray[np.float32]] = []

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> list[NodulePrediction]:
        self.items += items
        voxel = np.rint(POINT / np.array([1.0, 1.0, 2.0])).astype(int)
        regions = [np.asarray(each["image"].read_region(voxel - 3, voxel + 4)) for each in items]
        self.read += regions
        return [self.say(each, hu) for each, hu in zip(items, regions, strict=True)]

    @staticmethod
    def say(each: Mapping[str, Any], hu: NDArray[np.float32]) -> Any:
        x, y, z = each["center_lps_mm"]
        logit = 0.1 * x - 0.2 * y + 0.05 * z + 0.3 * each["diameter_mm"] + float(hu[3, 3, 3]) / 100
        return Said(1 / (1 + np.exp(-(logit + 2))))


def test_each_change_is_tried_alone() -> None:
    asked = Asked()
    found = stability_of(item(), 0.5, asked)
    assert found.n == len(asked.items) == 16
    assert {cause: band.n for cause, band in found.by_cause.items()} == {"point": 6, "size": 2, "noise": 8}
    points = np.array([each["center_lps_mm"] for each in asked.items])
    assert sorted(np.subtract(points[:6], POINT).round(9).tolist()) == sorted(
        [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
    )
    assert (points[6:] == POINT).all()
    sizes = [each["diameter_mm"] for each in asked.items]
    assert sizes == pytest.approx([8] * 6 + [6.4, 9.6] + [8] * 8)
    plain = scan().read_region((27, 25, 7), (34, 32, 14))
    assert all(np.array_equal(hu, plain) for hu in asked.read[:8])
    added = np.array([hu - plain for hu in asked.read[8:]])
    assert added.std() == pytest.approx(20.0, rel=0.15)
    assert found.noise_hu == pytest.approx(20.0, rel=0.15)
    assert len({hu.tobytes() for hu in added}) == 8


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_box_of_its_own_goes_with_the_point_and_the_size(factor: float) -> None:
    asked = Asked()
    box = (24.0, 23.0, 16.0, 38.0, 34.0, 26.0)  # its middle is not the point
    stability_of(item(box_lps_mm=box), 0.5, asked)
    for each in asked.items[:6]:
        shift = np.subtract(each["center_lps_mm"], POINT)
        assert each["box_lps_mm"] == pytest.approx(np.add(box, [*shift, *shift]))
    (sized,) = (each for each in asked.items[6:8] if each["diameter_mm"] == pytest.approx(8 * factor))
    low, high = np.array(sized["box_lps_mm"][:3]), np.array(sized["box_lps_mm"][3:])
    assert (low + high) / 2 == pytest.approx([31.0, 28.5, 21.0])
    assert high - low == pytest.approx(np.array([14.0, 11.0, 10.0]) * factor)
    assert all(each["box_lps_mm"] == box for each in asked.items[8:])


@settings(max_examples=25)
@given(malignant=st.floats(0, 1), seed=st.integers(0, 99))
def test_every_band_holds_the_score_and_the_whole_holds_every_band(malignant: float, seed: int) -> None:
    said = np.random.default_rng(seed).uniform(0, 1, 16).tolist()
    found = stability_of(item(), malignant, lambda items: [Said(each) for each in said])  # type: ignore[misc]
    assert found.low == min([*said, malignant])
    assert found.high == max([*said, malignant])
    for band, part in zip(found.by_cause.values(), (said[:6], said[6:8], said[8:]), strict=True):
        assert (band.low, band.high) == (min([*part, malignant]), max([*part, malignant]))


def test_the_noise_is_the_nodules_own_whatever_it_is_called() -> None:
    first, second, other = Asked(), Asked(), Asked()
    stability_of(item(), 0.5, first)
    stability_of(item(nodule_id="renamed"), 0.5, second)
    stability_of(item(diameter_mm=8.1), 0.5, other)
    assert [hu.tobytes() for hu in first.read] == [hu.tobytes() for hu in second.read]
    assert first.read[8].tobytes() != other.read[8].tobytes()


def test_without_noise_in_the_scan_that_cause_is_left_out() -> None:
    found = stability_of(item(image=scan(0)), 0.5, Asked())
    assert (found.n, found.noise_hu, set(found.by_cause)) == (8, None, {"point", "size"})


def test_a_slice_beyond_those_of_the_score_costs_the_band_and_not_the_score() -> None:
    def read_slab(start: int, stop: int) -> NDArray[np.float32]:
        raise refuse(ProblemCode.UNREADABLE, "Expected a slice, got noise in slice_7.dcm")

    found = stability_of(item(image=replace(scan(), read_slab=read_slab)), 0.5, Asked())
    assert found == Stability(problem="Expected a slice, got noise in slice_7.dcm")
    with pytest.raises(InputRefusedError):
        replace(scan(), read_slab=read_slab).read_all()


def test_a_scan_is_read_once_for_all_changes() -> None:
    source, readings = scan(), []

    def read_slab(start: int, stop: int) -> NDArray[np.float32]:
        readings.append((start, stop))
        return source.read_slab(start, stop)

    stability_of(item(image=replace(source, read_slab=read_slab)), 0.5, Asked())
    assert len(readings) == 1


@pytest.fixture(scope="module")
def nodules(bundle: Path, study: DemoStudy) -> dict[bool, tuple[NoduleResult, ...]]:
    """Return the phantom's nodules scored, without and with the band."""
    steady = Scorer(bundle, device="cpu", stability=True)
    plain = Scorer(bundle, device="cpu")
    return {
        False: plain.score(study.dicom_folder, study.nodule_table).nodules,
        True: steady.score(study.dicom_folder, study.nodule_table).nodules,
    }


def test_the_scores_are_the_same_with_the_band(nodules: dict[bool, tuple[NoduleResult, ...]]) -> None:
    for plain, steady in zip(nodules[False], nodules[True], strict=True):
        assert plain.stability is None
        assert steady.model_copy(update={"stability": None}) == plain
        band = steady.stability
        assert band is not None
        assert steady.probabilities is not None
        assert band.low is not None
        assert band.high is not None
        assert 0 <= band.low <= steady.probabilities.malignant <= band.high <= 1


def test_the_band_is_the_same_at_every_door_and_time(
    nodules: dict[bool, tuple[NoduleResult, ...]], bundle: Path, study: DemoStudy
) -> None:
    again = Scorer(bundle, device="cpu", stability=True)
    alone = again.score(study.dicom_folder, [study.marked.nodules[1]]).nodules[0].stability
    among = nodules[True][1].stability
    assert alone is not None
    assert among is not None
    assert (alone.low, alone.high) == pytest.approx((among.low, among.high), abs=1e-6)


def test_a_nodule_that_is_not_scored_has_no_band(bundle: Path, study: DemoStudy) -> None:
    far = {"nodule_id": "far", "center_lps_mm": [900.0, 900.0, 900.0], "diameter_mm": 8.0}
    (nodule,) = Scorer(bundle, device="cpu", stability=True).score(study.nifti, [far]).nodules
    assert nodule.problem is not None
    assert nodule.stability is None
