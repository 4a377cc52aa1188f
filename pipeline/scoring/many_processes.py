"""Many cases scored by several processes of one machine; what kills one of them costs its case at most."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages

from .case_record import failed_case
from .cases import Case
from .journal import Journal
from .open_case import OpenCase
from .run_identity import known_case, scan_stamp
from .worker import Ended, Scored, Setup, work

# A case during which so many processes were killed is recorded as failed: it may be what kills them (memory).
MOST_TRIES = 3
_PATIENCE_S = 5.0


class WorkerKilledError(RuntimeError):
    """A process that scored a case was killed, each time it was tried."""


@dataclass(frozen=True)
class _Task:
    """One case to score, its place in the table, and the stamp of its scan before."""

    place: int
    case: Case
    scan: str


@dataclass
class _Worker:
    """A process, the pipe to it, and the case that it is at."""

    process: SpawnProcess
    pipe: Connection
    task: _Task | None = None
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
    _n_tries: dict[int, int] = field(default_factory=dict)
    _n_lost_at_start: int = 0

    def score_journaled(self, cases: Sequence[Case | OpenCase], journal: Journal) -> Generator[CaseResult, None, None]:
        """Yield the result of each case in the table's order; the journal holds each as soon as it is known.

        Raises:
            UsageError: a file cannot be written.
            RuntimeError: the processes cannot be started, or fail by an error of ours.
        """
        known: dict[int, CaseResult] = {}
        to_do = self._tasks(cases, journal, known)
        again: deque[_Task] = deque()
        n_yielded = 0
        try:
            while n_yielded < len(cases):
                self._hand_out(to_do, again)
                while n_yielded in known:
                    yield known.pop(n_yielded)
                    n_yielded += 1
                for task, result in self._answers(again):
                    journal.add(task.scan, result)
                    known[task.place] = result
        finally:
            self._stop()

    def _tasks(
        self, cases: Sequence[Case | OpenCase], journal: Journal, known: dict[int, CaseResult]
    ) -> Iterator[_Task]:
        """Yield the cases that are not in the journal; those that are, are known."""
        for place, case in enumerate(map(known_case, cases)):
            scan = scan_stamp(case.input)
            result = journal.find(case.case_id, scan)
            if result is None:
                yield _Task(place, case, scan)
            else:
                known[place] = result

    def _hand_out(self, to_do: Iterator[_Task], again: deque[_Task]) -> None:
        """Give each process that is idle a case; no more processes are started than there are cases for."""
        idle = [worker for worker in self._workers if worker.task is None]
        while len(self._workers) - len(idle) < self.n_jobs:
            task = again.popleft() if again else next(to_do, None)
            if task is None:
                return
            worker = idle.pop() if idle else self._start()
            worker.task = task
            if worker.is_ready:
                _send(worker, task.case)

    def _answers(self, again: deque[_Task]) -> Iterator[tuple[_Task, CaseResult]]:
        """Wait for what the processes say, and yield what they scored; a case whose process is gone is tried again."""
        pipes = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        for pipe in wait(list(pipes)) if pipes else []:
            worker = pipes[pipe]  # type: ignore[index]  # `wait` returns what it was given
            task = worker.task
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                result = self._lost(worker, again)
                if task is not None and result is not None:
                    yield task, result
                continue
            if isinstance(answer, Ended):
                raise answer.error()
            if isinstance(answer, Scored) and task is not None:
                worker.task = None
                for stage in answer.stages:
                    self.stages.add(stage.name, stage.seconds)
                yield task, answer.result
            elif task is not None:
                worker.is_ready, self._n_lost_at_start = True, 0
                _send(worker, task.case)

    def _lost(self, worker: _Worker, again: deque[_Task]) -> CaseResult | None:
        """Take a process that is gone out, and return the record of its case where it is not to be tried again."""
        self._workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        task, how = worker.task, f"exit code {worker.process.exitcode}"
        if task is None:
            return None
        if not worker.is_ready:  # no case is to blame
            self._n_lost_at_start += 1
            if self._n_lost_at_start >= MOST_TRIES:
                raise WorkerKilledError(
                    f"processes end while they load the model ({how}): fewer --jobs need less memory"
                )
            again.append(task)
            return None
        self._n_tries[task.place] = self._n_tries.get(task.place, 0) + 1
        if self._n_tries[task.place] < MOST_TRIES:
            again.append(task)
            return None
        error = WorkerKilledError(f"its process was killed {MOST_TRIES} times ({how})")
        return self.setup.files.write(failed_case(task.case, error), None)

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

    def _stop(self) -> None:
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


def _send(worker: _Worker, message: object) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it is gone, which the next wait tells
        worker.pipe.send(message)
