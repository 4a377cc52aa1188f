"""What training adds to MONAI's handlers: seeds by epoch, the best weights, a point to resume from, a log in lines.

In a run of several processes all of them hang on every process, and the first one alone writes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.data.utils import set_rnd
from torch.nn.parallel import DistributedDataParallel

from nodulus.pipeline.bundle.weights import STATE_DICT_ERRORS, WEIGHT_FILE_ERRORS
from nodulus.pipeline.files import replacing_file, write_errors_named, write_text
from nodulus.transforms.problems import UsageError

PROGRESS = {"epoch", "iteration", "best_metric", "best_metric_epoch"}
# Between the seeds of two processes: more than any run's epochs, and no multiple of what is between those of two runs.
RANK_STRIDE = 1_000_000_007
HEADING = "epoch     loss  val_auc (best)         lr      s\n"


class Stateful(Protocol):
    """Anything whose state can be saved and restored: a network, an optimiser, a schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """Restore the state."""


class EpochSeed:
    """Seed shuffling and augmentation anew at each epoch, so that a resumed run repeats an uninterrupted one.

    Worker processes take their seeds from torch's generator; without workers the dataset's transforms are seeded here.
    Of several processes that train together each draws its own numbers, the first those of a process by itself.

    Args:
        seed: of the run.
        dataset: whose random transforms are seeded.
    """

    def __init__(self, seed: int, dataset: torch.utils.data.Dataset[Any]) -> None:
        self.seed, self.dataset = seed, dataset

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed the epoch that starts."""
        seed = self.seed_of(engine.state.epoch)
        torch.manual_seed(seed)
        set_rnd(self.dataset, seed)

    def seed_of(self, epoch: int) -> int:
        """Return what this process is seeded with at the start of an epoch."""
        return self.seed * 100_003 + epoch + int(idist.get_rank()) * RANK_STRIDE


class KeepBest:
    """Write the network's state dict whenever the evaluator's key metric is the best so far.

    Args:
        network: whose weights are kept.
        path: where they are written; loads with ``torch.load(path, weights_only=True)``.
    """

    def __init__(self, network: torch.nn.Module, path: str) -> None:
        self.network, self.path = network, Path(path)

    def attach(self, engine: Engine) -> None:
        """Listen to an evaluator."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the weights if this validation was the best."""
        if idist.get_rank() == 0 and engine.state.best_metric_epoch == engine.state.epoch:
            _save({key: value.cpu().contiguous() for key, value in self.network.state_dict().items()}, self.path)
            engine.logger.info("Best so far, %.4f: wrote %s", engine.state.best_metric, self.path)


class StateDeterminism:
    """Say in the log what a run's seed does not decide on its device; on a CPU it decides every bit.

    Args:
        device: where the network trains.
    """

    # torch.use_deterministic_algorithms names them: their CUDA gradients add up in no fixed order.
    ON_CUDA = "max_pool3d and adaptive_avg_pool3d backwards, and the rounding of automatic mixed precision"

    def __init__(self, device: torch.device) -> None:
        self.device = torch.device(device)

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the line."""
        if self.device.type == "cpu":
            n_processes = idist.get_world_size()
            engine.logger.info(
                "Deterministic: seed, data%s and %d threads decide the weights to the bit on this CPU and torch build",
                f", {n_processes} processes" if n_processes > 1 else "",
                torch.get_num_threads(),
            )
        else:
            engine.logger.warning("Not deterministic on %s: %s", self.device.type, self.ON_CUDA)


class StopEarly:
    """Stop training when the evaluator's key metric has not improved for a while.

    It holds no state of its own, so that a resumed run stops where an uninterrupted one does.

    Args:
        evaluator: whose key metric counts.
        patience: epochs without improvement.
    """

    def __init__(self, evaluator: Engine, patience: int) -> None:
        self.evaluator, self.patience = evaluator, patience

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer; attach after the validation."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Stop, if it is time."""
        if engine.state.epoch - max(self.evaluator.state.best_metric_epoch, 0) >= self.patience:
            engine.logger.info("Stopped after epoch %d: no improvement in %d epochs", engine.state.epoch, self.patience)
            engine.terminate()


class ResumePoint:
    """Save after each epoch all that training needs to go on, and continue from there when asked to.

    The file is the same whether one process trains or several: it holds the network and not what spreads it, the first
    process writes it and every one reads it.

    Args:
        path: the file; replaced after each epoch.
        parts: what has a state, by name: network, optimizer, ...
        evaluator: its best key metric is kept too.
        resume: continue from the file, if it is there.
    """

    def __init__(self, path: str, parts: Mapping[str, Stateful], evaluator: Engine, resume: bool = False) -> None:
        self.path, self.evaluator, self.resume = Path(path), evaluator, resume
        self.parts: dict[str, Stateful] = {
            name: part.module if isinstance(part, DistributedDataParallel) else part for name, part in parts.items()
        }

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer; attach after all that changes a state at the end of an epoch."""
        engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def save(self, engine: Engine) -> None:
        """Write the state after this epoch."""
        if idist.get_rank() > 0:
            return
        state: dict[str, Any] = {name: part.state_dict() for name, part in self.parts.items()}
        best = self.evaluator.state
        state["progress"] = {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "best_metric": float(best.best_metric),
            "best_metric_epoch": best.best_metric_epoch,
        }
        _save(state, self.path)

    def load(self, engine: Engine) -> None:
        """Restore the state, if training is to be continued and there is one."""
        if not (self.resume and self.path.is_file()):
            return
        state = read_checkpoint(self.path)
        other = f"Expected a checkpoint of this config's run in {self.path}, got one of another network or optimizer"
        if not state.keys() >= self.parts.keys():
            raise UsageError(other)
        for name, part in self.parts.items():
            try:
                part.load_state_dict(state[name])
            except (*STATE_DICT_ERRORS, LookupError, ValueError) as error:  # the last two are an optimizer's
                raise UsageError(other) from error
        progress = state["progress"]
        engine.state.epoch, engine.state.iteration = progress["epoch"], progress["iteration"]
        self.evaluator.state.best_metric = progress["best_metric"]
        self.evaluator.state.best_metric_epoch = progress["best_metric_epoch"]
        engine.logger.info("Resumed after epoch %d from %s", progress["epoch"], self.path)


class EpochLog:
    """Write one line an epoch to a text file, and to the engine's log; of several processes the mean loss.

    Args:
        path: the file; when training is resumed, lines are added to it.
        evaluator: its key metric is reported, as of its last run.
        optimizer: its learning rate is reported.
    """

    def __init__(self, path: str, evaluator: Engine, optimizer: torch.optim.Optimizer) -> None:
        self.path, self.evaluator, self.optimizer = Path(path), evaluator, optimizer
        self._losses: list[float] = []
        self._started_s = 0.0

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer; attach after the validation and before the learning rate's schedule."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start_epoch(self, _: Engine) -> None:
        self._losses, self._started_s = [], time.perf_counter()

    def _collect(self, engine: Engine) -> None:
        self._losses.append(float(engine.state.output[0]["loss"]))

    def _write(self, engine: Engine) -> None:
        state = self.evaluator.state
        value = state.metrics.get(state.key_metric_name, float("nan"))
        loss = idist.all_reduce(sum(self._losses) / len(self._losses)) / idist.get_world_size()
        if idist.get_rank() > 0:
            return
        seconds = time.perf_counter() - self._started_s
        rate = self.optimizer.param_groups[0]["lr"]
        line = (
            f"{engine.state.epoch:5d}  {loss:.5f}   {value:.4f} ({state.best_metric:.4f})  {rate:.2e}  {seconds:5.1f}"
        )
        if engine.state.epoch == 1:
            write_text(self.path, HEADING)
        with write_errors_named(self.path), self.path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        engine.logger.info("Epoch, loss, validation AUC (best), learning rate, seconds: %s", line)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a run saved to go on from.

    Raises:
        UsageError: the file is cut short, or holds something else.
    """
    other = f"Expected the checkpoint of a run in {path}, got a file that is cut short or holds something else"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch says of foreign pickles is advice to load them unsafely
            state = torch.load(path, map_location="cpu", weights_only=True)
    except WEIGHT_FILE_ERRORS as error:
        raise UsageError(other) from error
    progress = state.get("progress") if isinstance(state, Mapping) else None
    if not isinstance(progress, Mapping):
        raise UsageError(other)
    if progress.keys() != PROGRESS or not all(isinstance(value, int | float) for value in progress.values()):
        raise UsageError(f"Expected the progress of a run in {path}, got {sorted(map(str, progress))}")
    return dict(state)


def _save(state: Mapping[str, Any], path: Path) -> None:
    with replacing_file(path) as temporary:
        try:
            torch.save(dict(state), temporary)
        except RuntimeError:  # torch's own writer does not tell what the disk said, Python's does
            content = BytesIO()
            torch.save(dict(state), content)
            temporary.write_bytes(content.getbuffer())
