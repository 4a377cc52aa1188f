"""A case that kills its actor is tried again, then failed; errors that end a run end this one. (`make test-ray`)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.stages import Stages
from nodulus.pipeline.scoring.journal import FILES, JOURNAL, Journal, read_journal
from nodulus.pipeline.scoring.output_folder import OutputFolder
from nodulus.pipeline.scoring.ray_cluster import LOCAL, connected
from nodulus.pipeline.scoring.share_out import ShareOut, WorkerKilledError
from nodulus.transforms.problems import UsageError
from tests.support.pages import ROOT
from tests.support.stand_in_scorer import (
    NAMES_WITH_KILLERS,
    RUN,
    CannotLoad,
    check_killers_cost_no_other,
    nothing,
    stand_in_run,
)

pytest.importorskip("ray", reason="Ray is an extra: make test-ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)  # the actors take over where this process finds modules
        with connected(LOCAL, 2) as n_cpus:
            assert n_cpus == 2
            yield


def scored(folder: Path, names: list[str], make: object = None, n_workers: int = 2) -> list[CaseResult]:
    cases, files, setup = stand_in_run(folder, names, make)
    from nodulus.pipeline.scoring.ray_workers import RayWorkers  # which imports Ray

    workers = RayWorkers(n_workers, 0, setup, nothing, print)
    with OutputFolder(folder / "out", FILES) as out, Journal(out, RUN) as journal:
        return list(ShareOut(workers, files, Stages()).score_journaled(cases, journal))


def test_what_kills_its_actor_is_tried_again_then_failed_and_costs_no_other(tmp_path: Path) -> None:
    check_killers_cost_no_other(scored(tmp_path, NAMES_WITH_KILLERS), tmp_path, "ActorDiedError")


def test_more_workers_than_the_cluster_has_room_for_wait_and_hold_up_nothing(tmp_path: Path) -> None:
    names = [f"case {index}" for index in range(9)]
    assert [result.case_id for result in scored(tmp_path, names, n_workers=5)] == names


@pytest.mark.parametrize(("name", "error"), [("wrong", UsageError), ("bug", RuntimeError)])
def test_an_error_that_ends_a_run_ends_this_one_and_keeps_what_is_done(
    name: str, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error, match="No space left" if name == "wrong" else "KeyError: 'k'"):
        scored(tmp_path, ["a", "b", "c", name], n_workers=1)
    assert set(read_journal(tmp_path / "out" / JOURNAL)[1]) == {"a", "b", "c"}


def test_actors_that_cannot_load_the_model_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(WorkerKilledError, match="fewer --jobs need less memory"):
        scored(tmp_path, ["a", "b", "c"], CannotLoad)
