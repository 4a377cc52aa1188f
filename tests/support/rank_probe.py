"""What each process of a training writes of itself, so that a test can compare them; named by a config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch.nn.parallel import DistributedDataParallel

from nodulus.pipeline.training.processes import AverageBuffers, EqualProcesses

BATCH, SIZE = 4, 17


def whole_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Return patches and what to say of them; the second half has far fewer rated characteristics than the first."""
    generator = torch.Generator().manual_seed(7)
    patches = torch.rand((BATCH, 1, SIZE, SIZE, SIZE), generator=generator)
    targets = torch.rand((BATCH, 10), generator=generator)
    targets[:, 1] = 1 - targets[:, 0]
    targets[2:, 3:] = float("nan")
    return patches, targets


class WriteRank:
    """Handler that writes a process's weights, rates, seeds and patches to ``rank0.pt``, ``rank1.pt``."""

    def __init__(self, folder: str, averaged: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.folder, self.averaged, self.optimizer = Path(folder), averaged, optimizer
        self.images: list[torch.Tensor] = []
        self.rates: list[float] = []
        self.seeds: list[list[int]] = []

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.EPOCH_STARTED, self._note_seeds)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._note)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _note_seeds(self, engine: Engine) -> None:
        """Note torch's seed, and the first word of the state that the patches' transform draws from."""
        patches = engine.data_loader.dataset.transform.transforms[1]
        self.seeds.append([torch.initial_seed(), int(patches.R.get_state()[1][0])])

    def _note(self, engine: Engine) -> None:
        self.images += [item["image"].cpu() for item in engine.state.batch]
        self.rates.append(self.optimizer.param_groups[0]["lr"])

    def _write(self, engine: Engine) -> None:
        network = engine.network.module
        content: dict[str, Any] = {
            "network": network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "images": torch.stack(self.images),
            "rates": self.rates,
            "seeds": self.seeds,
            "is_channels_last": network.layer2[0].conv1.weight.is_contiguous(memory_format=torch.channels_last_3d),
            "progress": [engine.state.epoch, engine.state.iteration],
        }
        torch.save(content, self.folder / f"rank{idist.get_rank()}.pt")


def one_step(network: DistributedDataParallel, loss: torch.nn.Module, folder: str) -> None:
    """Write a process's gradients for its share of ``whole_batch``, with batch norm frozen, and the weights before."""
    rank, share = idist.get_rank(), BATCH // idist.get_world_size()
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    patches, targets = (each[rank * share :][:share] for each in whole_batch())
    network.eval()
    value = loss(network(patches), targets)
    value.backward()
    gradients = {name: each.grad.clone() for name, each in network.module.named_parameters() if each.grad is not None}
    content = {"weights": before, "gradients": gradients, "loss": value.detach()}
    torch.save(content, Path(folder) / f"step{rank}.pt")
    network.zero_grad()


def drift(network: DistributedDataParallel, optimizer: torch.optim.Optimizer, folder: str) -> None:
    """Write what is said when the second process's weights are a bit off, and what buffers of 0 and 1 average to."""
    layer, engine = torch.nn.Module(), Engine(lambda *_: None)
    layer.register_buffer("mean", torch.full((2,), float(idist.get_rank())))
    AverageBuffers(layer)(engine)
    if idist.get_rank() == 1:
        weight = next(network.parameters()).data.view(-1)
        weight[0] = torch.nextafter(weight[0], weight[0] + 1)
    said = "nothing"
    try:
        EqualProcesses([network], optimizer)(engine)
    except RuntimeError as error:
        said = str(error)
    torch.save({"said": said, "mean": layer.mean}, Path(folder) / f"drift{idist.get_rank()}.pt")
