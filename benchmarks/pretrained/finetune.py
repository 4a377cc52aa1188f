"""One network trained on the random views of some nodules and asked about others, all on one device."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from monai.networks.nets import ResNet
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from nodulus.pipeline.training.loss import RatingsLoss

from .views import Crops, Draw, Grid, plain, randomised


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Args:
        blocks: blocks of each stage of the network.
        taken: blocks of each stage that start from the published weights; none is a random start.
        start_rate: learning rate of what was taken over.
        new_rate: learning rate of what is new.
        is_norm_frozen: whether the batch norms that were taken over keep their statistics.
        n_frozen: how many of (stem, stage 1, stage 2) do not learn.
    """

    blocks: tuple[int, int, int, int] = (3, 8, 1, 1)
    taken: tuple[int, ...] = (3, 8, 1)
    planes: tuple[int, int, int, int] = (64, 128, 256, 64)
    start_rate: float = 1e-4
    new_rate: float = 1e-3
    is_norm_frozen: bool = False
    n_frozen: int = 0
    epochs: int = 16
    batch_size: int = 16
    weight_decay: float = 0.05
    averaging: float = 0.02
    characteristics_weight: float = 3.0
    grid: Grid = field(default_factory=Grid)
    draw: Draw = field(default_factory=Draw)


def make_network(variant: Variant) -> ResNet:
    """Return the untrained network of a variant, a stock one of MONAI."""
    return ResNet(
        "bottleneck",
        list(variant.blocks),
        list(variant.planes),
        n_input_channels=1,
        conv1_t_size=(7, 7, 3),
        conv1_t_stride=(2, 2, 1),
        bias_downsample=False,
        num_classes=10,
    )


def train(
    variant: Variant,
    start: dict[str, torch.Tensor],
    crops: Crops,
    training: NDArray[np.int64],
    judged: NDArray[np.int64],
    labels: NDArray[np.int64],
    seed: int,
) -> list[float]:
    """Return the AUC of the averaged network on the judged nodules after each epoch."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    device = crops.voxels_hu.device
    network = make_network(variant)
    taken = _take(network, start, variant)
    network = network.to(device, memory_format=torch.channels_last_3d)
    averaged = _copy(network)
    groups = _groups(network, taken, variant)
    optimizer = torch.optim.AdamW(groups, weight_decay=variant.weight_decay, fused=device.type == "cuda")
    rates = [group["lr"] for group in optimizer.param_groups]
    loss_of = RatingsLoss(variant.characteristics_weight)
    n_steps = len(training) // variant.batch_size
    aucs = []
    for epoch in range(variant.epochs):
        network.train()
        _freeze_norms(network, taken, variant)
        order = random.permutation(training)
        for step in range(n_steps):
            done = epoch + step / n_steps
            part = min(1.0, (done + 0.1) / 1.5) * (1 + math.cos(math.pi * done / variant.epochs)) / 2
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * part
            which = order[step * variant.batch_size : (step + 1) * variant.batch_size]
            views = randomised(crops, which, variant.grid, variant.draw, random)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                outputs = network(views.to(memory_format=torch.channels_last_3d))
            loss = loss_of(outputs.float(), crops.targets[torch.from_numpy(which).to(device)])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            _average(averaged, network, variant.averaging)
        aucs.append(auc_of(judge(averaged, crops, judged, variant.grid), labels))
    return aucs


def judge(network: torch.nn.Module, crops: Crops, which: NDArray[np.int64], grid: Grid) -> NDArray[np.float64]:
    """Return the chance of malignancy of nodules (n, 2): with their own box, and with their diameter's."""
    network.eval()
    columns = []
    for box in (0, 1):
        parts = []
        for start in range(0, len(which), 64):
            views = plain(crops, which[start : start + 64], box, grid)
            with torch.no_grad(), torch.autocast(views.device.type, torch.bfloat16, enabled=views.is_cuda):
                outputs = network(views.to(memory_format=torch.channels_last_3d))
            parts.append(torch.softmax(outputs[:, :2].float(), dim=1)[:, 1].cpu().numpy())
        columns.append(np.concatenate(parts))
    return np.stack(columns, axis=1).astype(np.float64)


def auc_of(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the AUC over both boxes of the nodules that have a label."""
    is_labelled = labels >= 0
    return float(roc_auc_score(np.tile(labels[is_labelled], 2), chances[is_labelled].T.ravel()))


def _take(network: ResNet, start: dict[str, torch.Tensor], variant: Variant) -> set[str]:
    own = network.state_dict()
    limits = (*variant.taken, 0, 0, 0, 0)
    taken = {
        name: value
        for name, value in start.items()
        if variant.taken and (not name.startswith("layer") or int(name.split(".")[1]) < limits[int(name[5]) - 1])
    }
    network.load_state_dict(own | taken)
    return set(taken)


def _groups(network: ResNet, taken: set[str], variant: Variant) -> list[dict[str, Any]]:
    frozen = ("conv1.", "bn1.", "layer1.", "layer2.")[: (0, 2, 3, 4)[variant.n_frozen]]
    old: list[torch.nn.Parameter] = []
    new: list[torch.nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if variant.taken and name.startswith(frozen) and frozen:
            parameter.requires_grad_(False)
        else:
            (old if name in taken else new).append(parameter)
    groups = ({"params": old, "lr": variant.start_rate}, {"params": new, "lr": variant.new_rate})
    return [group for group in groups if group["params"]]


def _freeze_norms(network: ResNet, taken: set[str], variant: Variant) -> None:
    for name, module in network.named_modules():
        is_frozen = variant.is_norm_frozen or not next(module.parameters(), torch.ones(1)).requires_grad
        if isinstance(module, torch.nn.BatchNorm3d) and f"{name}.weight" in taken and is_frozen:
            module.eval()


def _copy(network: ResNet) -> ResNet:
    averaged = copy.deepcopy(network)
    return averaged.requires_grad_(False)


@torch.no_grad()
def _average(averaged: ResNet, network: ResNet, momentum: float) -> None:
    kept, new = list(averaged.parameters()), list(network.parameters())
    torch._foreach_lerp_(kept, [each.detach() for each in new], momentum)
    for kept_buffer, buffer in zip(averaged.buffers(), network.buffers(), strict=True):
        if buffer.is_floating_point():
            kept_buffer.lerp_(buffer, momentum)
