"""Train MONAI's RetinaNet for a few minutes on phantoms, with the losses and samplers of MONAI's detection tutorial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import torch
from monai.apps.detection.networks import retinanet_detector
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from numpy.typing import NDArray

from nodulus.pipeline.bundle.workflow import make_parser
from nodulus.pipeline.phantom import Phantom
from nodulus.transforms.patches.patient_axes import resample_to_patient_axes
from tests.support.detection_bundle import Numbers, inference_config, make_detector
from tests.trained_detector.phantoms import scan_of

SIDE = 32  # voxels of a training crop
BATCH_SIZE = 4
# With 1e-3 nothing is learned: after some steps the scores are the same everywhere.
LEARNING_RATE = 3e-4
# Of the crops those with a nodule; the others lie anywhere.
ABOUT_A_NODULE = 0.75


class _OfTorchvision:
    """Stands in for torchvision's matcher, where it is not installed: MONAI asks whether ATSS's is one."""


@dataclass(frozen=True)
class Scene:
    """A phantom as the network sees it.

    Args:
        image: between 0 and 1, (x, y, z), along the patient's axes.
        boxes: cubes about the nodules, (n, 6), voxels, corner and corner.
    """

    image: NDArray[np.float32]
    boxes: NDArray[np.float32]


def scene_of(phantom: Phantom, numbers: Numbers) -> Scene:
    """Return a phantom resampled and windowed as the bundle says."""
    intensity_hu, affine_ras = resample_to_patient_axes(scan_of(phantom), numbers.spacing_mm)
    window = make_parser({"window": _window(numbers)}).get_parsed_content("window")
    centers_ras = np.array([nodule.center_lps_mm for nodule in phantom.nodules]) * (-1, -1, 1)
    middles = (centers_ras - affine_ras[:3, 3]) / np.diag(affine_ras)[:3]
    halves = np.array([[nodule.diameter_mm] for nodule in phantom.nodules]) / 2 / np.asarray(numbers.spacing_mm)
    image = np.asarray(window({"image": torch.from_numpy(intensity_hu)})["image"], dtype=np.float32)
    return Scene(image, np.hstack([middles - halves, middles + halves]).astype(np.float32))


def train(scenes: Sequence[Scene], numbers: Numbers, n_steps: int, tell: Callable[[str], object]) -> RetinaNetDetector:
    """Return the detector of a bundle's numbers, trained from random weights; the same each time on one machine.

    Args:
        scenes: to cut crops from.
        numbers: of the bundle.
        n_steps: of the optimizer.
        tell: is told of the losses now and then.
    """
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    detector = make_detector(numbers)
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(batch_size_per_image=64, positive_fraction=0.3, pool_size=20, min_neg=16)
    detector.train().to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(detector.network.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=n_steps, pct_start=0.1)
    for step in range(1, n_steps + 1):
        images, targets = _batch(scenes, random)
        with patch.object(retinanet_detector, "Matcher", _OfTorchvision), torch.autocast("cpu", dtype=torch.bfloat16):
            losses = detector(images, targets)
        loss = losses[detector.cls_key] + losses[detector.box_reg_key]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(detector.network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0:
            tell(f"step {step} of {n_steps}: " + ", ".join(f"{k} {float(v):.3f}" for k, v in losses.items()))
    return detector.eval()


def _window(numbers: Numbers) -> dict[str, object]:
    transforms = inference_config(numbers)["preprocessing"]["transforms"]
    (window,) = (each for each in transforms if each["_target_"] == "ScaleIntensityRanged")
    return dict(window)


def _batch(scenes: Sequence[Scene], random: np.random.Generator) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    crops = [cut_crop(scenes[int(random.integers(len(scenes)))], random) for _ in range(BATCH_SIZE)]
    images = torch.stack([torch.from_numpy(np.ascontiguousarray(image))[None] for image, _ in crops])
    targets = [
        {"box": torch.from_numpy(boxes), "label": torch.zeros(len(boxes), dtype=torch.long)} for _, boxes in crops
    ]
    return images.to(memory_format=torch.channels_last_3d), targets


def cut_crop(scene: Scene, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a crop, flipped about any axes, and the boxes whose middles lie in it."""
    size = np.asarray(scene.image.shape)
    middles = (scene.boxes[:, :3] + scene.boxes[:, 3:]) / 2
    if random.random() < ABOUT_A_NODULE:
        start = middles[random.integers(len(middles))] - SIDE / 2 + random.uniform(-SIDE / 3, SIDE / 3, 3)
    else:
        start = random.uniform(0, size - SIDE)
    low = np.clip(np.round(start), 0, size - SIDE).astype(int)
    image = scene.image[tuple(slice(at, at + SIDE) for at in low)]
    is_in = ((middles >= low) & (middles < low + SIDE)).all(axis=1)
    boxes = np.clip(scene.boxes[is_in] - np.tile(low, 2), 0, SIDE).astype(np.float32)
    for axis in np.flatnonzero(random.random(3) < 0.5).tolist():
        image = np.flip(image, axis)
        # A voxel's position is its middle's: the first comes to lie where the last was.
        boxes[:, [axis, axis + 3]] = SIDE - 1 - boxes[:, [axis + 3, axis]]
    return image, boxes
