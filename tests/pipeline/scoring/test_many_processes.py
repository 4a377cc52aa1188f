"""A case that kills its process is tried again, and then recorded as failed; the others are scored all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.scoring.journal import FILES, JOURNAL, Journal, read_journal
from nodulus.pipeline.scoring.many_processes import ManyProcesses
from nodulus.pipeline.scoring.output_folder import OutputFolder
from nodulus.pipeline.scoring.share_out import WorkerKilledError
from nodulus.transforms.problems import UsageError
from tests.support.pages import ROOT
from tests.support.stand_in_scorer import (
    NAMES_WITH_KILLERS,
    RUN,
    CannotLoad,
    check_killers_cost_no_other,
    nothing,
    stand_in_run,
    tries,
)


@pytest.fixture(autouse=True)
def _found_by_new_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)


def scored(folder: Path, names: list[str], make: object = None, *, resume: bool = False) -> list[CaseResult]:
    cases, _, setup = stand_in_run(folder, names, make)
    keep = (JOURNAL,) if resume else ()
    with OutputFolder(folder / "out", FILES, keep) as out, Journal(out, RUN, resume=resume) as journal:
        return list(ManyProcesses(2, setup, nothing).score_journaled(cases, journal))


def test_what_kills_its_process_is_tried_again_then_failed_and_costs_no_other(tmp_path: Path) -> None:
    check_killers_cost_no_other(scored(tmp_path, NAMES_WITH_KILLERS), tmp_path, "exit code -9")


def test_what_the_journal_holds_is_not_scored_again(tmp_path: Path) -> None:
    names = [f"case {index}" for index in range(6)]
    first = scored(tmp_path, names)
    journal = tmp_path / "out" / JOURNAL
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:4]))
    kept = set(read_journal(journal)[1])
    assert scored(tmp_path, names, resume=True) == first
    assert tries(tmp_path) == {name: 1 if name in kept else 2 for name in names}


@pytest.mark.parametrize(("name", "error"), [("wrong", UsageError), ("bug", RuntimeError)])
def test_an_error_that_ends_a_run_ends_this_one_and_keeps_what_is_done(
    name: str, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error, match="No space left" if name == "wrong" else "KeyError: 'k'"):
        scored(tmp_path, ["a", "b", "c", name])
    assert len(read_journal(tmp_path / "out" / JOURNAL)[1]) >= 2


def test_processes_that_cannot_load_the_model_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(WorkerKilledError, match="fewer --jobs need less memory"):
        scored(tmp_path, ["a", "b", "c"], CannotLoad)
