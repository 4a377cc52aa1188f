"""What scores in a process of its own, in place of a bundle: it does what the names of the cases say."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages
from nodulus.pipeline.scoring.cases import Case
from nodulus.pipeline.scoring.journal import JOURNAL, read_journal
from nodulus.pipeline.scoring.run_identity import RunIdentity
from nodulus.pipeline.scoring.share_out import MOST_TRIES
from nodulus.pipeline.scoring.worker import Setup
from nodulus.pipeline.writers.case_files import CaseFiles
from nodulus.transforms.problems import UsageError
from tests.support.results import run_of

RUN = RunIdentity(
    software=("nodulus 1", "torch 2"), device="cpu", bundle_sha256="b", allow=(), series_uid=None, cases_sha256="c"
)


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


def stand_in_run(folder: Path, names: list[str], make: object = None) -> tuple[list[Case], CaseFiles, Setup]:
    """Return the cases of some names, their files below a folder, and what its workers are set up with."""
    (folder / "work").mkdir(exist_ok=True)
    files = CaseFiles(run_of(), {}, folder / "out", names)
    setup = Setup(make or partial(StandIn, folder / "work"), files, 1)  # type: ignore[arg-type]  # no Scorer
    return [Case(name, folder / "scan.nii", ()) for name in names], files, setup


def tries(folder: Path) -> dict[str, int]:
    """Return how often each case of a run was tried."""
    return {path.name.removeprefix("tries of "): path.stat().st_size for path in (folder / "work").iterdir()}


# What kills its process twice is among them, what does so once, and what is slow.
NAMES_WITH_KILLERS = ["a", "deadly", "b", "once", "slow", "c", "d"]


def check_killers_cost_no_other(results: list[CaseResult], folder: Path, how: str) -> None:
    """Assert that a run over ``NAMES_WITH_KILLERS`` gave up the deadly case alone, killed in some way, and kept all."""
    assert [result.case_id for result in results] == NAMES_WITH_KILLERS
    assert [result.status for result in results] == ["scored", "failed", *["scored"] * 5]
    problem = results[1].problem
    assert problem is not None
    assert problem.message == f"internal error: WorkerKilledError: its process was killed 3 times ({how})"
    assert tries(folder) == dict.fromkeys(NAMES_WITH_KILLERS, 1) | {"deadly": MOST_TRIES, "once": 2}
    assert read_journal(folder / "out" / JOURNAL)[1] == {result.case_id: result for result in results}
