"""The parts of the study on a trained detector, on what is known: places of nodules, boxes of crops, counted marks."""

from __future__ import annotations

import numpy as np
import pytest

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.phantom import PhantomNodule, PhantomSpec, make_phantom
from tests.support.detection_bundle import QUICK
from tests.trained_detector import phantoms, training
from tests.trained_detector.measure import compare, tables
from tests.trained_detector.training import SIDE, Scene, cut_crop


@pytest.mark.parametrize("seed", range(20))
def test_a_box_stays_about_its_nodule_wherever_a_crop_lies_and_however_it_is_turned(seed: int) -> None:
    image = np.zeros((80, 70, 60), dtype=np.float32)
    boxes = np.array([[20, 31, 12, 26, 37, 18], [60, 50, 40, 64, 54, 44]], dtype=np.float32)
    for number, (x, y, z, *_) in enumerate(boxes.astype(int)):
        side = int(boxes[number, 3] - boxes[number, 0])
        # From corner to corner, both ends included, as a voxel's position is its middle's.
        image[x : x + side + 1, y : y + side + 1, z : z + side + 1] = number + 1
    crop, found = cut_crop(Scene(image, boxes), np.random.default_rng(seed))
    assert crop.shape == (SIDE,) * 3
    for box in found:
        low, high = box[:3].astype(int), box[3:].astype(int)
        inside = crop[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))]
        (value,) = set(inside.ravel().tolist()) - {0.0}
        bright = np.argwhere(crop == value)
        assert bright.min(axis=0).tolist() == low.tolist()
        assert bright.max(axis=0).tolist() == np.minimum(high, SIDE - 1).tolist()


def test_nodules_lie_in_the_lungs_apart_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phantoms, "make_phantom", lambda spec: spec)  # the drawing alone
    one, again, other = (phantoms.draw_phantom(seed, 12).nodules for seed in (3, 3, 4))
    assert one == again
    assert one != other
    for n, nodule in enumerate(one):
        assert phantoms.DIAMETERS_MM[0] <= nodule.diameter_mm <= phantoms.DIAMETERS_MM[1]
        for near in one[:n]:
            away_mm = np.linalg.norm(np.subtract(nodule.center_lps_mm, near.center_lps_mm))
            assert away_mm > (nodule.diameter_mm + near.diameter_mm) / 2


def test_marks_are_counted_as_luna16_counts_them() -> None:
    drawn = [PhantomNodule("a", (0.0, 0.0, 0.0), 10.0), PhantomNodule("b", (50.0, 0.0, 0.0), 20.0)]
    marks = [((3.0, 0.0, 0.0), 0.6), ((1.0, 0.0, 0.0), 0.9), ((6.0, 0.0, 0.0), 0.8), ((41.0, 0.0, 0.0), 0.4)]
    found = [Nodule(str(n), at, 8.0, detection_score=score) for n, (at, score) in enumerate(marks)]
    scan = compare(drawn, found)
    assert [met.score for met in scan.met] == [0.9, 0.4]
    assert [met.away_mm for met in scan.met] == [1.0, 9.0]
    assert scan.false_scores == (0.8,)
    text = tables([scan, compare(drawn, [])])
    assert "| score 0.5 or more | 1 of 4 | 0.50 | 1.0 (1.0) | 0.80 |" in text
    assert "| score 0.3 or more | 2 of 4 | 0.50 | 5.0 (9.0) | 0.60 |" in text
    assert "| 15 to 24.5 mm | 0 of 2 |" in text


def test_a_scene_shows_a_nodule_where_its_box_is() -> None:
    nodule = PhantomNodule("a", (-75.0, 0.0, 20.0), 20.0)
    spec = PhantomSpec((30, 30, 24), (2.0, 2.0, 2.5), (nodule,), origin_lps_mm=(-104.0, -29.0, -9.0), noise_hu=0.0)
    scene = training.scene_of(make_phantom(spec), QUICK)
    low, high = np.round(scene.boxes[0].reshape(2, 3)).astype(int)
    assert (high - low).tolist() == [7, 7, 7]
    core = scene.image[tuple(slice(a + 2, b - 1) for a, b in zip(low, high, strict=True))]
    assert core.mean() == pytest.approx((42 + 1024) / 1324, abs=0.03)  # soft tissue in a window from -1024 to 300 HU
    middle = scene.boxes[0].reshape(2, 3).mean(axis=0)
    near = scene.image[tuple(slice(a - 1, b + 2) for a, b in zip(low, high, strict=True))] - 0.15  # lung is 0.1
    weights = np.clip(near, 0, None)
    centroid = [
        np.average(np.arange(n), weights=weights.sum(axis=tuple({0, 1, 2} - {axis})))
        for axis, n in enumerate(near.shape)
    ]
    assert np.add(centroid, low - 1) == pytest.approx(middle, abs=0.5)
