"""Many cases scored by actors of a Ray cluster; whichever actor or machine is lost costs its case a second try."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from nodulus.transforms.problems import UsageError

from .cases import Case
from .share_out import MOST_TRIES, Lost, Task, WorkerKilledError
from .worker import CaseWorker, Ended, Scored, Setup

_PATIENCE_S = 30.0


class RayScorer:
    """The actor: holds the model in a process of the cluster, and answers instead of raising, as Ray wraps errors."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        prepare()
        self._worker: CaseWorker | None = None

    def load(self, setup: Setup, folder: Path) -> Ended | None:
        """Load the model; paths are as the first process has them, relative to its folder."""
        try:
            if not folder.is_dir():
                got = f"none on machine {ray.util.get_node_ip_address()}"
                raise UsageError(f"Expected the folder {folder}, which all machines share, got {got}")
            os.chdir(folder)
            self._worker = CaseWorker(setup)
        except Exception as error:
            return Ended.by(error)
        return None

    def score(self, case: Case) -> Scored | Ended:
        """Return the result of a case, or what ends the run."""
        if self._worker is None:
            raise RuntimeError("Expected a model that is loaded, got a case before")
        try:
            return self._worker.score(case)
        except Exception as error:
            return Ended.by(error)


@dataclass(eq=False)
class _Actor:
    """An actor, what is to come of what it was asked for, and the case that it is at.

    One case at a time: of two, the answer to the first may be lost with the actor that the second has killed.
    """

    handle: Any
    answer: Any
    task: Task | None = None
    is_ready: bool = False


@dataclass
class RayWorkers:
    """Actors that score cases. A case is given to one that has loaded its model, so none waits for a machine.

    Args:
        n_workers: how many actors are asked for; the run begins with the first that the cluster has room for.
        n_gpus: of each.
        setup: what each is told.
        prepare: what each calls first; found by its name.
        tell: is told once where the cluster has room for none.
    """

    n_workers: int
    n_gpus: int
    setup: Setup
    prepare: Callable[[], None]
    tell: Callable[[str], None]
    _actors: list[_Actor] = field(default_factory=list)
    _n_lost_at_start: int = 0
    _has_told: bool = False

    def n_free(self) -> int:
        """Return how many cases they can be given now; where actors are fewer than asked for, start them."""
        while len(self._actors) < self.n_workers:
            self._start()
        return len(self._idle())

    def give(self, task: Task) -> None:
        """Give an actor that is idle a case."""
        actor = self._idle()[0]
        actor.answer, actor.task = actor.handle.score.remote(task.case), task

    def wait(self) -> Iterator[tuple[Task, Scored | Lost]]:
        """Wait for what the actors say, and yield what became of their cases.

        Raises:
            UsageError: a file cannot be written, or a machine lacks the folder or the bundle.
            RuntimeError: the actors cannot be started, or fail by an error of ours.
        """
        asked = {actor.answer: actor for actor in self._actors if actor.answer is not None}
        done, _ = ray.wait(list(asked), timeout=_PATIENCE_S)
        if not done and not self._has_told and not any(actor.is_ready for actor in self._actors):
            self.tell(f"waiting for the cluster to have room for one of {self.n_workers} workers")
            self._has_told = True
        for ref in done:
            yield from self._answer(asked[ref])

    def stop(self) -> None:
        """End all actors: what is at work is given up."""
        for actor in self._actors:
            ray.kill(actor.handle)
        self._actors.clear()

    def _answer(self, actor: _Actor) -> Iterator[tuple[Task, Scored | Lost]]:
        """Yield what an actor has answered, or that it is gone."""
        task = actor.task
        try:
            answer = ray.get(actor.answer)
        except RayTaskError as error:
            raise RuntimeError(f"{type(error.cause).__name__}: {error.cause}") from error
        except RayError as error:
            lost = self._lost(actor, type(error).__name__)
            if task is not None:
                yield task, lost
            return
        actor.answer = actor.task = None
        if isinstance(answer, Ended):
            raise answer.error()
        if task is not None:
            yield task, answer
        else:
            actor.is_ready, self._n_lost_at_start = True, 0

    def _lost(self, actor: _Actor, how: str) -> Lost:
        """Take an actor that is gone out, and return how it went."""
        self._actors.remove(actor)
        ray.kill(actor.handle)  # it may be out of reach only: nobody is to write files beside its successor
        if not actor.is_ready:
            self._n_lost_at_start += 1
        if self._n_lost_at_start >= MOST_TRIES:
            if not any(each.is_ready for each in self._actors):
                raise WorkerKilledError(f"workers end while they load the model ({how}): fewer --jobs need less memory")
            self.n_workers, self._n_lost_at_start = len(self._actors), 0  # those that work go on without it
        return Lost(how, was_at_it=True)

    def _idle(self) -> list[_Actor]:
        return [actor for actor in self._actors if actor.is_ready and actor.answer is None]

    def _start(self) -> None:
        # Neither Ray's restarts nor its retries: which case an actor was at is to be counted, and it is ours to know.
        options = {"num_cpus": 1, "num_gpus": self.n_gpus, "max_restarts": 0, "max_task_retries": 0}
        handle = ray.remote(RayScorer).options(**options).remote(self.prepare)
        self._actors.append(_Actor(handle, handle.load.remote(self.setup, Path.cwd())))
