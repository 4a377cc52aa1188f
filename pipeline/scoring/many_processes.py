"""Many cases scored by several processes of one machine; what kills one of them costs its case at most."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages

from .cases import Case
from .journal import Journal
from .open_case import OpenCase
from .share_out import MOST_TRIES, Lost, ShareOut, Task, WorkerKilledError
from .worker import Ended, Scored, Setup, work

_PATIENCE_S = 5.0


@dataclass
class _Worker:
    """A process, the pipe to it, and the case that it is at."""

    process: SpawnProcess
    pipe: Connection
    task: Task | None = None
    is_ready: bool = False


@dataclass
class ManyProcesses:
    """Scores cases with several processes, each of which loads the model once and is given one case at a time.

    They are started anew (``spawn``), so that neither threads nor a GPU's state are inherited.

    Args:
        n_jobs: how many.
        setup: what each is told.
        prepare: what each calls first; found by its name.
        stages: what the time of all processes is added to.
    """

    n_jobs: int
    setup: Setup
    prepare: Callable[[], None]
    stages: Stages = field(default_factory=Stages)
    _workers: list[_Worker] = field(default_factory=list)
    _n_lost_at_start: int = 0

    def score_journaled(self, cases: Sequence[Case | OpenCase], journal: Journal) -> Generator[CaseResult, None, None]:
        """Yield the result of each case in the table's order; the journal holds each as soon as it is known."""
        return ShareOut(self, self.setup.files, self.stages).score_journaled(cases, journal)

    def n_free(self) -> int:
        """Return how many cases they can be given now; no more processes are started than there are cases for."""
        return self.n_jobs - sum(worker.task is not None for worker in self._workers)

    def give(self, task: Task) -> None:
        """Give a process that is idle, or a new one, a case."""
        idle = next((worker for worker in self._workers if worker.task is None), None)
        worker = idle or self._start()
        worker.task = task
        if worker.is_ready:
            _send(worker, task.case)

    def wait(self) -> Iterator[tuple[Task, Scored | Lost]]:
        """Wait for what the processes say, and yield what became of their cases.

        Raises:
            UsageError: a file cannot be written.
            RuntimeError: the processes cannot be started, or fail by an error of ours.
        """
        pipes = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        for pipe in wait(list(pipes)) if pipes else []:
            worker = pipes[pipe]  # type: ignore[index]  # `wait` returns what it was given
            task = worker.task
            if task is None:
                continue
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                yield task, self._lost(worker)
                continue
            if isinstance(answer, Ended):
                raise answer.error()
            if isinstance(answer, Scored):
                worker.task = None
                yield task, answer
            else:
                worker.is_ready, self._n_lost_at_start = True, 0
                _send(worker, task.case)

    def stop(self) -> None:
        """End all processes: those at a case are given up, the others are done."""
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _lost(self, worker: _Worker) -> Lost:
        """Take a process that is gone out, and return how it went; while it loads the model no case is to blame."""
        self._workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        how = f"exit code {worker.process.exitcode}"
        if not worker.is_ready:
            self._n_lost_at_start += 1
            if self._n_lost_at_start >= MOST_TRIES:
                raise WorkerKilledError(
                    f"processes end while they load the model ({how}): fewer --jobs need less memory"
                )
        return Lost(how, was_at_it=worker.is_ready)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        pipe, its_end = context.Pipe()
        process = context.Process(target=work, args=(its_end, self.prepare), daemon=True)
        process.start()
        its_end.close()  # or its end would stay open, and its death unnoticed
        worker = _Worker(process, pipe)
        self._workers.append(worker)
        _send(worker, self.setup)
        return worker


def _send(worker: _Worker, message: object) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it is gone, which the next wait tells
        worker.pipe.send(message)
