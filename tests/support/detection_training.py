"""Trains the small detector on phantoms, so that it finds those of others: it knows no patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from monai.apps.detection.networks import retinanet_detector
from monai.apps.detection.networks.retinanet_network import RetinaNet
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from nodulus.pipeline.phantom import PhantomNodule, PhantomSpec, make_phantom
from nodulus.transforms.geometry import Grid
from nodulus.transforms.patches.patient_axes import resample_to_patient_axes
from nodulus.transforms.volume import volume_from_array

from .detection_bundle import SMALL, make_detector, write_bundle

# Above this the trained detector calls a place of a phantom a nodule.
MIN_SCORE = 0.5
N_STEPS, LEARNING_RATE = 240, 2e-3


@dataclass(frozen=True)
class _Example:
    """A phantom as the network sees it, (1, x, y, z) in 0..1, and its nodules' boxes in voxels, xyzxyz."""

    image: torch.Tensor
    boxes: torch.Tensor


def trained_bundle(folder: Path) -> Path:
    """Write the small bundle with weights that were trained on phantoms, which takes a minute or two, and return it."""
    return write_bundle(folder, SMALL, trained_weights())


def trained_weights(n_steps: int = N_STEPS, n_phantoms: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return weights of the small detector that were trained on crops of some phantoms."""
    torch.manual_seed(seed)
    detector = make_detector(SMALL)
    _begin_with_balls(detector.network)
    passing = _without_passing_layers(detector.network)
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(batch_size_per_image=64, positive_fraction=0.3, pool_size=20, min_neg=16)
    rng = np.random.default_rng(seed)
    examples = [_example(rng, seed + 1 + index) for index in range(n_phantoms)]
    parameters = list(detector.network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LEARNING_RATE, total_steps=n_steps)
    detector.train()
    # MONAI asks whether its matcher and its sampler are torchvision's, which need not be there.
    absent = type("Absent", (), {})
    with patch.multiple(retinanet_detector, Matcher=absent, BalancedPositiveNegativeSampler=absent):
        for step in range(n_steps):
            crops = [_crop(rng, examples[(step + index) % len(examples)]) for index in range(2)]
            targets = [{"box": boxes, "label": torch.zeros(len(boxes), dtype=torch.long)} for _, boxes in crops]
            losses = detector([image for image, _ in crops], targets)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
            schedule.step()
    for sequence, index, layer in passing:
        sequence[index] = layer
    return {name: value.detach().clone() for name, value in detector.network.state_dict().items()}


def _begin_with_balls(network: RetinaNet) -> None:
    """Give a network a start from which a minute's training is enough.

    Half of its first filters answer to balls of some radii, its blocks add nothing yet, and the convolutions of its
    heads pass on what they get.
    """
    for head in (network.classification_head, network.regression_head):
        for layer in head.conv:
            if isinstance(layer, torch.nn.Conv3d):
                torch.nn.init.dirac_(layer.weight)
    for layer in network.feature_extractor.fpn.modules():
        if isinstance(layer, torch.nn.Conv3d) and layer.kernel_size == (3, 3, 3):
            torch.nn.init.dirac_(layer.weight)
    body = network.feature_extractor.body
    for block in (*body.layer1, *body.layer2):
        torch.nn.init.zeros_(block.bn2.weight)
    away = torch.stack(torch.meshgrid(*3 * [torch.arange(-3.0, 4.0)], indexing="ij")).norm(dim=0)
    for index, radius in enumerate(torch.linspace(1.0, 3.2, 16)):
        ball = torch.sigmoid((radius - away) * 3)
        body.conv1.weight.data[index, 0] = ball / ball.sum() - (1 - ball) / (1 - ball).sum()


def _without_passing_layers(network: RetinaNet) -> list[tuple[torch.nn.Sequential, int, torch.nn.Module]]:
    """Take the convolutions that pass on what they get out of the heads, and return what was where.

    They would take nine tenths of the time, and are not trained: what trains is what is before and behind them.
    """
    taken: list[tuple[torch.nn.Sequential, int, torch.nn.Module]] = []
    for head in (network.classification_head, network.regression_head):
        for index, layer in enumerate(head.conv):
            if isinstance(layer, torch.nn.Conv3d):
                taken.append((head.conv, index, layer))
                head.conv[index] = torch.nn.Identity()
    return taken


def lung_nodules(rng: np.random.Generator, n: int, smallest_mm: float = 13.0) -> tuple[PhantomNodule, ...]:
    """Return nodules somewhere inside the phantom's lungs, none of which touches another."""
    spec = PhantomSpec(size_xyz=(72, 72, 64), spacing_mm=(4.2, 4.2, 4.2), nodules=())
    empty = make_phantom(spec)
    is_lung = (empty.intensity_hu > -950) & (empty.intensity_hu < -700)
    depth_mm = distance_transform_edt(is_lung, sampling=spec.spacing_mm)
    nodules: list[PhantomNodule] = []
    for index in rng.permutation(np.argwhere(depth_mm > 9)):
        center = empty.affine_lps[:3, :3] @ (index + rng.uniform(-0.5, 0.5, 3)) + empty.affine_lps[:3, 3]
        diameter = float(rng.uniform(smallest_mm, 26))
        if all(np.linalg.norm(center - each.center_lps_mm) > 30 for each in nodules):
            x, y, z = center.tolist()
            nodules.append(PhantomNodule(f"T{len(nodules)}", (x, y, z), diameter))
        if len(nodules) == n:
            break
    return tuple(nodules)


def _example(rng: np.random.Generator, seed: int) -> _Example:
    spec = PhantomSpec(size_xyz=(116, 116, 104), spacing_mm=(2.8, 2.8, 2.8), nodules=lung_nodules(rng, 24), seed=seed)
    phantom = make_phantom(spec)
    volume = volume_from_array(phantom.intensity_hu.astype(np.float32), Grid(spec.size_xyz, spec.affine_lps))
    intensity_hu, affine_ras = resample_to_patient_axes(volume, SMALL.spacing_mm)
    image = torch.from_numpy(np.clip((intensity_hu + 1024) / 1324, 0, 1))[None]
    return _Example(image, torch.from_numpy(_boxes_in_voxels(spec.nodules, affine_ras)))


def _boxes_in_voxels(nodules: Sequence[PhantomNodule], affine_ras: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a cube around each nodule: low x, y, z and high x, y, z in voxels of a grid along the patient's axes."""
    centers_ras_mm = np.array([each.center_lps_mm for each in nodules]) * [-1, -1, 1]
    halves_mm = np.array([[each.diameter_mm / 2] for each in nodules])
    corners = np.concatenate([centers_ras_mm - halves_mm, centers_ras_mm + halves_mm], axis=1)
    spacing, first = np.diag(affine_ras)[:3], affine_ras[:3, 3]
    return ((corners - np.tile(first, 2)) / np.tile(spacing, 2)).astype(np.float32)


def _crop(rng: np.random.Generator, example: _Example, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a cube of an example, mostly about a nodule, mirrored by chance, and the boxes whose centres it has."""
    size = np.array(example.image.shape[1:])
    about = example.boxes[rng.integers(len(example.boxes))].numpy()
    middle = (about[:3] + about[3:]) / 2 if rng.random() < 0.7 else rng.uniform(0, size)
    start = np.clip(np.round(middle - side / 2 + rng.uniform(-8, 8, 3)), 0, size - side).astype(int)
    x, y, z = (slice(int(a), int(a) + side) for a in start)
    boxes = example.boxes - torch.from_numpy(np.tile(start, 2)).float()
    centers = (boxes[:, :3] + boxes[:, 3:]) / 2
    boxes = boxes[((centers > 1) & (centers < side - 2)).all(dim=1)].clamp(0, side - 1)
    image = example.image[:, x, y, z]
    for axis in range(3):
        if rng.random() < 0.5:
            image = image.flip(axis + 1)
            low, high = side - 1 - boxes[:, axis + 3], side - 1 - boxes[:, axis]
            boxes = boxes.clone()
            boxes[:, axis], boxes[:, axis + 3] = low, high
    return image.contiguous(), boxes
