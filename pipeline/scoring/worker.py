"""A process that scores cases for another, one at a time, with a model of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import StageRecord, Stages
from nodulus.transforms.problems import UsageError, internal_error, refusal_in

from .cases import Case
from .run_identity import scan_stamp

if TYPE_CHECKING:
    from nodulus.pipeline.writers.case_files import CaseFiles

    from .scorer import Scorer


@dataclass(frozen=True)
class Setup:
    """What a worker is told once.

    Args:
        make_scorer: loads the model.
        files: written of each case.
        n_threads: of torch; None where the network runs without it.
    """

    make_scorer: Callable[[], Scorer]
    files: CaseFiles
    n_threads: int | None


@dataclass(frozen=True)
class Scored:
    """The stamp that a case's scan had before, the case's result, and what each stage of it took."""

    scan: str
    result: CaseResult
    stages: tuple[StageRecord, ...]


@dataclass(frozen=True)
class Ended:
    """What ends the run: a call that is wrong or a disk that is full, or an error of ours."""

    message: str
    is_usage: bool

    @classmethod
    def by(cls, error: Exception) -> Ended:
        """Return what to tell another process of an error."""
        refusal = refusal_in(error)
        return cls(internal_error(error) if refusal is None else str(refusal), isinstance(refusal, UsageError))

    def error(self) -> Exception:
        """Return the error to raise of it in the process that was told."""
        return UsageError(self.message) if self.is_usage else RuntimeError(self.message)


class CaseWorker:
    """Scores cases, one at a time, as a setup says; made after the process was prepared."""

    def __init__(self, setup: Setup) -> None:
        if setup.n_threads is not None:
            import torch  # after the preparation, as all that loads it

            torch.set_num_threads(setup.n_threads)
        self._scorer, self._files = setup.make_scorer(), setup.files

    def score(self, case: Case) -> Scored:
        """Return the result of a case; a refused or failed case is a result, too."""
        scan = scan_stamp(case.input)
        self._scorer.stages = Stages()
        (result,) = self._scorer.score_many([case], self._files)
        return Scored(scan, result, self._scorer.stages.records())


def work(told: Connection, prepare: Callable[[], None]) -> None:
    """Score the cases that come until None does, or until the other process is gone.

    Args:
        told: the setup, then cases, come from here; an answer each goes there, the first says that the model is loaded.
        prepare: called before what takes long is imported.
    """
    # Ctrl-C goes to all processes of a terminal: the other one decides, and ends this one by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    prepare()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _work(told)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            told.send(Ended.by(error))


def _work(told: Connection) -> None:
    worker = CaseWorker(told.recv())
    told.send(None)
    case: Case | None
    while (case := told.recv()) is not None:
        told.send(worker.score(case))
