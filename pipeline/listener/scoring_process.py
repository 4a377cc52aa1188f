"""The process that scores: a second one, so that no acknowledgement waits for it, and a third when it dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.transforms.problems import UsageError, internal_error, refusal_in

if TYPE_CHECKING:
    from .answer import Answerer
    from .looked import Looked

# Loading a model, or a study of thousands of slices, takes seconds.
_ANSWERS_WITHIN_S = 900.0
_ENDS_WITHIN_S = 5.0
# The receiver comes first where both want the processor.
_NICENESS = 5


class ScoringDiedError(RuntimeError):
    """The process ended, or had to be ended, while it looked at a study."""


@dataclass(frozen=True)
class _Failed:
    """An error of ours, by its kind alone: its text may tell of a patient."""

    kind: str


@dataclass(frozen=True)
class _Refused:
    """A call that is wrong: the process cannot start."""

    message: str


class ScoringProcess:
    """Looks at studies in a process of its own, one at a time.

    Args:
        make: loads the model, in that process.
        prepare: what that process does before.
    """

    def __init__(self, make: Callable[[], Answerer], prepare: Callable[[], None]) -> None:
        self._make, self._prepare = make, prepare
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Start the process, and return once its model is loaded.

        Raises:
            UsageError: the bundle or the device is not there.
            ScoringDiedError: the process ended.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, its_end = context.Pipe()
        self._process = context.Process(target=_work, args=(its_end, self._make, self._prepare), daemon=True)
        self._process.start()
        its_end.close()  # or its end would stay open, and its death unnoticed
        answer = self._answer()
        if isinstance(answer, _Refused):
            self.stop()
            raise UsageError(answer.message)

    def look_at(self, study: Path, *, is_urged: bool) -> Looked | str:
        """Return what a study gives, or the kind of the error that looking at it ended in.

        Raises:
            ScoringDiedError: the process ended; the next call starts another.
        """
        if self._process is None or not self._process.is_alive():
            self.start()
        assert self._pipe is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # it is gone, which waiting for it tells
            self._pipe.send((study, is_urged))
        answer = self._answer()
        return answer.kind if isinstance(answer, _Failed) else answer  # type: ignore[return-value]  # a Looked

    def interrupt(self) -> None:
        """End the process, from any thread: who waits for it is told that it died."""
        if (process := self._process) is not None:
            process.terminate()

    def stop(self) -> None:
        """End the process; a study that it looks at is given up."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join(_ENDS_WITHIN_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._process = self._pipe = None

    def _answer(self) -> object:
        assert self._pipe is not None
        try:
            if self._pipe.poll(_ANSWERS_WITHIN_S):
                return self._pipe.recv()
        except (EOFError, OSError):
            pass
        self.stop()
        raise ScoringDiedError("the scoring process ended")


def _work(told: Connection, make: Callable[[], Answerer], prepare: Callable[[], None]) -> None:
    """Look at the studies that come until the other process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches both: the other one ends this one
    prepare()
    logging.disable(logging.CRITICAL)  # names and values of headers: what happens is said by the other process
    with suppress(OSError):
        os.nice(_NICENESS)
    try:
        answerer = make()
    except Exception as error:
        if refusal_in(error) is None:
            raise
        told.send(_Refused(str(refusal_in(error))))
        return
    told.send(None)
    with suppress(EOFError, OSError):
        while True:
            study, is_urged = told.recv()
            told.send(_looked(answerer, study, is_urged))


def _looked(answerer: Answerer, study: Path, is_urged: bool) -> Looked | _Failed:
    try:
        return answerer.look_at(study, is_urged=is_urged)
    except Exception as error:
        return _Failed(internal_error(error).partition(":")[0])
