"""What scores in a process of its own, in place of a bundle: it does what the names of the cases say."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages
from nodulus.pipeline.scoring.cases import Case
from nodulus.pipeline.writers.case_files import CaseFiles
from nodulus.transforms.problems import UsageError


class StandIn:
    """Scores as the names of the cases say; how often each was tried is a file's length."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stages = folder, Stages()

    def score_many(self, cases: list[Case], files: CaseFiles) -> Iterator[CaseResult]:
        for case in cases:
            with (self.folder / f"tries of {case.case_id}").open("a") as tries:
                tries.write(".")
            self._act(case.case_id)
            yield CaseResult(case_id=case.case_id, input=str(case.input), status="scored")

    def _act(self, name: str) -> None:
        n_tries = (self.folder / f"tries of {name}").stat().st_size
        if name.startswith("deadly") or (name.startswith("once") and n_tries == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("slow"):
            time.sleep(0.3)
        if name.startswith("wrong"):
            raise UsageError("Expected to write out/x, got: No space left on device")
        if name.startswith("bug"):
            raise KeyError("k")


class CannotLoad:
    def __init__(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def nothing() -> None:
    """Prepare nothing."""
