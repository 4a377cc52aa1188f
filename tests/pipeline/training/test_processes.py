"""What is said to those who start several processes wrongly; what two do together is asked of the bundle."""

from __future__ import annotations

import ignite.distributed as idist
import pytest
import torch

from nodulus.pipeline.training.handlers import EpochSeed
from nodulus.pipeline.training.processes import AverageBuffers, batch_per_process, join_processes
from nodulus.transforms.problems import UsageError


def test_a_process_without_a_launcher_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(UsageError, match=r"^Expected to be started by torch's launcher .*, found no RANK$"):
        join_processes(torch.device("cpu"), "gloo")


@pytest.mark.parametrize(("n_processes", "batch_size", "share"), [(1, 16, 16), (2, 16, 8), (4, 4, 1)])
def test_processes_share_a_batch(
    n_processes: int, batch_size: int, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idist, "get_world_size", lambda: n_processes)
    assert batch_per_process(batch_size) == share


@pytest.mark.parametrize(("n_processes", "batch_size"), [(3, 16), (32, 16)])
def test_a_batch_that_cannot_be_shared_is_refused(
    n_processes: int, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idist, "get_world_size", lambda: n_processes)
    message = f"^Expected a batch_size that {n_processes} processes divide, got {batch_size}$"
    with pytest.raises(UsageError, match=message):
        batch_per_process(batch_size)


def test_a_network_without_buffers_needs_no_average() -> None:
    AverageBuffers(torch.nn.Linear(1, 1))(None)


def test_seeds_of_processes_runs_and_epochs_are_all_different(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []
    for rank in range(8):
        monkeypatch.setattr(idist, "get_rank", lambda rank=rank: rank)
        for seed in range(50):
            handler = EpochSeed(seed, torch.utils.data.TensorDataset())
            seeds += [handler.seed_of(epoch) for epoch in range(1, 101)]
    assert len({seed % 2**32 for seed in seeds}) == len(seeds)
