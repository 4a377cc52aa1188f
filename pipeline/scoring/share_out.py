"""Cases shared out to several workers: each has one result, whichever worker is lost, in the table's order."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages

from .case_record import failed_case
from .cases import Case
from .journal import Journal
from .open_case import OpenCase
from .run_identity import known_case, scan_stamp
from .worker import Scored

if TYPE_CHECKING:
    from nodulus.pipeline.writers.case_files import CaseFiles

# A case during which so many workers were lost is recorded as failed: it may be what kills them (memory).
MOST_TRIES = 3


class WorkerKilledError(RuntimeError):
    """A process that scored a case was killed, each time it was tried."""


@dataclass(frozen=True)
class Task:
    """One case to score, and its place in the table."""

    place: int
    case: Case


@dataclass(frozen=True)
class Lost:
    """A worker is gone, and how; it is put down to the case only where the worker was at it."""

    how: str
    was_at_it: bool


class Workers(Protocol):
    """Processes that score cases, here or on other machines."""

    def n_free(self) -> int:
        """Return how many cases they can be given now."""

    def give(self, task: Task) -> None:
        """Give one of them a case."""

    def wait(self) -> Iterable[tuple[Task, Scored | Lost]]:
        """Wait until something happens, and yield what became of the cases that they were given."""

    def stop(self) -> None:
        """End all of them: what is at work is given up."""


@dataclass
class ShareOut:
    """One run over some cases with some workers.

    Args:
        workers: who scores.
        files: written of each case, of one that is recorded as failed, too.
        stages: what the time of all workers is added to.
    """

    workers: Workers
    files: CaseFiles
    stages: Stages
    _n_tries: dict[int, int] = field(default_factory=dict)

    def score_journaled(self, cases: Sequence[Case | OpenCase], journal: Journal) -> Generator[CaseResult, None, None]:
        """Yield the result of each case in the table's order; the journal holds each as soon as it is known.

        Raises:
            UsageError: a file cannot be written.
            RuntimeError: the workers cannot be started, or fail by an error of ours.
        """
        known: dict[int, CaseResult] = {}
        to_do = _tasks(cases, journal, known)
        again: deque[Task] = deque()
        n_yielded = 0
        try:
            while n_yielded < len(cases):
                self._hand_out(to_do, again)
                while n_yielded in known:
                    yield known.pop(n_yielded)
                    n_yielded += 1
                if n_yielded == len(cases):
                    return
                for task, answer in self.workers.wait():
                    scored = self._again(task, answer, again) if isinstance(answer, Lost) else answer
                    if scored is not None:
                        for stage in scored.stages:
                            self.stages.add(stage.name, stage.seconds)
                        journal.add(scored.scan, scored.result)
                        known[task.place] = scored.result
        finally:
            self.workers.stop()

    def _hand_out(self, to_do: Iterator[Task], again: deque[Task]) -> None:
        for _ in range(self.workers.n_free()):
            task = again.popleft() if again else next(to_do, None)
            if task is None:
                return
            self.workers.give(task)

    def _again(self, task: Task, lost: Lost, again: deque[Task]) -> Scored | None:
        """Note that a case is to be tried again; of one that was tried often enough return the record."""
        self._n_tries[task.place] = self._n_tries.get(task.place, 0) + lost.was_at_it
        if self._n_tries[task.place] < MOST_TRIES:
            again.append(task)
            return None
        error = WorkerKilledError(f"its process was killed {MOST_TRIES} times ({lost.how})")
        scan = scan_stamp(task.case.input)
        return Scored(scan, self.files.write(failed_case(task.case, error), None), ())


def _tasks(cases: Sequence[Case | OpenCase], journal: Journal, known: dict[int, CaseResult]) -> Iterator[Task]:
    """Yield the cases that are not in the journal; those that are, are known.

    The scans' files are looked at only for what the journal holds: of the others, whoever scores them does it.
    """
    for place, case in enumerate(map(known_case, cases)):
        is_there = journal.holds(case.case_id)
        result = journal.find(case.case_id, scan_stamp(case.input)) if is_there else None
        if result is None:
            yield Task(place, case)
        else:
            known[place] = result
