"""What training in several processes needs beyond one: a group, a share of each batch, and weights that stay equal."""

from __future__ import annotations

import os

import ignite.distributed as idist
import torch
import torch.distributed as dist
from ignite.engine import Engine, Events
from monai.engines import IterationEvents
from torch.nn.parallel import DistributedDataParallel

from nodulus.transforms.problems import UsageError

LAUNCHER = "python -m torch.distributed.run --nproc-per-node N -m monai.bundle run ..."


def device_of_process() -> torch.device:
    """Return the GPU that is this process's own among those of its machine, the CPU where there is none."""
    return torch.device("cuda", int(_launched("LOCAL_RANK"))) if torch.cuda.is_available() else torch.device("cpu")


def join_processes(device: torch.device, backend: str) -> None:
    """Make this process one of the group that its launcher started.

    Args:
        device: where the process computes.
        backend: "nccl" between GPUs, "gloo" between CPUs.

    Raises:
        UsageError: it was not started by torch's launcher.
    """
    _launched("RANK")
    if torch.device(device).type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(backend)


def batch_per_process(batch_size: int) -> int:
    """Return each process's share of a batch: together they step as one process with the whole batch does.

    Raises:
        UsageError: the processes do not divide it.
    """
    n_processes = int(idist.get_world_size())
    if batch_size % n_processes:
        raise UsageError(f"Expected a batch_size that {n_processes} processes divide, got {batch_size}")
    return batch_size // n_processes


def spread_network(network: torch.nn.Module, device: torch.device) -> DistributedDataParallel:
    """Return a network whose gradients are the mean over the processes; it begins with the first one's weights."""
    return DistributedDataParallel(network, device_ids=[device] if torch.device(device).type == "cuda" else None)


class AverageBuffers:
    """Give every process the mean of their buffers after each batch: batch norm's statistics are of its share alone.

    By itself DistributedDataParallel gives the others the first one's, and a batch late: what is averaged or validated
    before the next batch then differs from process to process. This comes before all that listens to the end of an
    iteration.

    Args:
        network: whose buffers.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.buffers = [buffer for buffer in network.buffers() if buffer.is_floating_point()]

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer."""
        engine.add_event_handler(IterationEvents.MODEL_COMPLETED, self)

    def __call__(self, _: Engine) -> None:
        """Average; one message carries all of them."""
        if not self.buffers:
            return
        mean = idist.all_reduce(torch.cat([buffer.flatten() for buffer in self.buffers])) / idist.get_world_size()
        for buffer, values in zip(self.buffers, mean.split([each.numel() for each in self.buffers]), strict=True):
            buffer.copy_(values.view_as(buffer))


class EqualProcesses:
    """Stop a run whose processes have drifted apart: at each epoch's end all must hold the same numbers, bit for bit.

    Averaged gradients keep equal weights equal and unequal ones unequal, and nothing else would tell.

    Args:
        networks: what must be equal.
        optimizer: its learning rates must be, too.
    """

    def __init__(self, networks: list[torch.nn.Module], optimizer: torch.optim.Optimizer) -> None:
        self.networks, self.optimizer = list(networks), optimizer

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer; attach after all that changes a weight or a rate."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Compare with the first process.

        Raises:
            RuntimeError: in every process, when one of them differs.
        """
        mine = self._numbers()
        first = idist.broadcast(mine.clone(), src=0)
        n_others = int(idist.all_reduce(int(not torch.equal(mine, first))))
        if n_others:
            msg = (
                f"Expected equal weights and learning rates in all {idist.get_world_size()} processes after epoch "
                f"{engine.state.epoch}, got others than the first one's in {n_others}"
            )
            raise RuntimeError(msg)

    def _numbers(self) -> torch.Tensor:
        rates = torch.tensor([group["lr"] for group in self.optimizer.param_groups], dtype=torch.float64)
        values = [value for network in self.networks for value in network.state_dict().values()]
        return torch.cat([rates.to(values[0].device), *(value.flatten().double() for value in values)])


def _launched(variable: str) -> str:
    if variable not in os.environ:
        raise UsageError(f"Expected to be started by torch's launcher ({LAUNCHER}), found no {variable}")
    return os.environ[variable]
