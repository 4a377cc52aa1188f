"""Boxes end where the network saw them, however the scan lies and however it is cut into windows."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nodulus.pipeline.detection.detector import Detector
from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.volume import CTVolume, volume_from_array
from tests.support.detection_bundle import SMALL, write_bundle

BALL_LPS_MM, BALL_MM = np.array([41.0, -12.0, 133.0]), 14.0
ALONG_THE_AXES = [
    np.eye(3)[:, list(order)] * signs for order in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)
]
STRIDE = 4  # of the small network's finest map, voxels
ANCHOR = 1  # 6 x 6 x 6 voxels


class Planted(torch.nn.Module):
    """Stands for a network that knows its nodule: it is sure where the image is brightest, of the box about there."""

    def forward(self, images: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        size = images.shape[2:]
        maps = [[n // stride for n in size] for stride in (STRIDE, 2 * STRIDE)]
        logits = [torch.full((1, 3, *each), -20.0) for each in maps]
        boxes = [torch.zeros((1, 18, *each)) for each in maps]
        middle = self._middle(images[0, 0])
        if middle is not None:
            x, y, z = (min(int(at) // STRIDE, n - 1) for at, n in zip(middle, maps[0], strict=True))
            logits[0][0, ANCHOR, x, y, z] = 5.0
            # As MONAI's coder takes it: by how many of its sides an anchor is moved.
            centre = torch.tensor([x, y, z]) * STRIDE + STRIDE // 2
            boxes[0][0, 6 * ANCHOR : 6 * ANCHOR + 3, x, y, z] = (middle - centre) / 6
        return {"classification": logits, "box_regression": boxes}

    @staticmethod
    def _middle(image: torch.Tensor) -> torch.Tensor | None:
        bright = (image > 0.9).nonzero().float()
        return bright.mean(dim=0) if len(bright) > 20 else None


def scan_of_a_ball(direction: NDArray[np.float64], spacing_mm: tuple[float, float, float]) -> CTVolume:
    """Return a scan of 110 mm each way with a ball of bone in lung, not in its middle."""
    size = np.round(110 / np.asarray(spacing_mm)).astype(int)
    affine = affine_from((0, 0, 0), direction, spacing_mm)
    affine[:3, 3] = np.add(BALL_LPS_MM, (7, -5, 9)) - affine[:3, :3] @ ((size - 1) / 2)
    x, y, z = size.tolist()
    grid = Grid((x, y, z), affine)
    places = grid.lps_from_voxel(np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1))
    is_ball = np.linalg.norm(places - BALL_LPS_MM, axis=-1) < BALL_MM / 2
    return volume_from_array(np.where(is_ball, 400, -850).astype(np.float32), grid)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """Return the small detector with the planted network."""
    made = Detector(write_bundle(tmp_path_factory.mktemp("bundle"), SMALL), device="cpu")
    made.network = Planted()
    return made


@pytest.mark.parametrize("direction", ALONG_THE_AXES)
def test_however_the_axes_of_a_scan_run(direction: NDArray[np.float64], detector: Detector) -> None:
    (nodule,) = detector.find(scan_of_a_ball(direction, (1.3, 1.7, 2.5))).nodules
    assert nodule.center_lps_mm == pytest.approx(BALL_LPS_MM, abs=1.0)
    assert nodule.diameter_mm == pytest.approx(6 * 2.8, abs=0.01)
    assert nodule.detection_score == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-4)


@pytest.mark.parametrize("degrees", [-35.0, 12.0, 28.0])
@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_an_oblique_scan(degrees: float, flip: float, detector: Detector) -> None:
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(a / 2), -np.sin(a / 2)], [0, np.sin(a / 2), np.cos(a / 2)]])
    volume = scan_of_a_ball(turn @ tilt @ np.diag([1.0, 1.0, flip]), (1.3, 1.7, 2.5))
    (nodule,) = detector.find(volume).nodules
    assert nodule.center_lps_mm == pytest.approx(BALL_LPS_MM, abs=1.0)
    assert nodule.diameter_mm == pytest.approx(6 * 2.8, abs=0.01)  # along the patient's axes: nothing is stretched


def test_boxes_that_a_bundle_states_in_ras_are_turned(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = scan_of_a_ball(np.eye(3), (1.3, 1.7, 2.5))
    (as_lps,) = detector.find(volume).nodules
    monkeypatch.setattr(detector, "_frame", "RAS")
    (as_ras,) = detector.find(volume).nodules
    assert as_ras.center_lps_mm == pytest.approx(np.array(as_lps.center_lps_mm) * [-1, -1, 1])


def test_in_windows_as_in_one_piece(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = scan_of_a_ball(np.eye(3), (1.3, 1.7, 2.5))
    told: list[tuple[str, int, int]] = []
    (whole,) = detector.find(volume).nodules
    monkeypatch.setattr(detector, "_memory_gb", 0.008)
    windowed = detector.find(volume, tell=lambda *each: told.append(each)).nodules[0]
    assert told[-1] == ("detecting, window", 8, 8)
    assert windowed.center_lps_mm == pytest.approx(whole.center_lps_mm, abs=2.8)


def test_an_empty_scan_has_no_nodules(detector: Detector) -> None:
    volume = scan_of_a_ball(np.eye(3), (1.3, 1.7, 2.5))
    empty = volume_from_array(np.full(volume.grid.size_xyz, -850, dtype=np.float32), volume.grid)
    found = detector.find(empty)
    assert found.nodules == ()
    assert found.notes == ("0 of 0 boxes taken: score 0.5 or more",)


def test_bfloat16_leaves_the_boxes_where_they_are(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, SMALL)
    volume = scan_of_a_ball(np.eye(3), (2.0, 2.0, 2.0))
    found = [Detector(bundle, device="cpu", bf16=bf16).find(volume, min_score=0).nodules for bf16 in (False, True)]
    assert found[0]
    for exact in found[0][:5]:
        away = [np.linalg.norm(np.subtract(exact.center_lps_mm, each.center_lps_mm)) for each in found[1]]
        assert min(away) < 1.0
