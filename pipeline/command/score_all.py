"""Scores all cases of a command, shows how far it is, and says how to go on where it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from .stopping import stop_if_asked

if TYPE_CHECKING:
    from nodulus.pipeline.results.record import CaseResult
    from nodulus.pipeline.scoring.cases import Case
    from nodulus.pipeline.scoring.journal import Journal
    from nodulus.pipeline.scoring.open_case import OpenCase
    from nodulus.pipeline.scoring.scorer import Scorer
    from nodulus.pipeline.writers.case_files import CaseFiles

    ScoreAll = Callable[[Sequence[Case | OpenCase], Journal], Generator[CaseResult, None, None]]


def score_all(
    cases: Sequence[Case | OpenCase], score: ScoreAll, journal: Journal, *, quiet: bool
) -> Sequence[CaseResult]:
    """Return the results of all cases, each of which the journal holds as soon as it is known, and is read from."""
    from nodulus.pipeline.scoring.run_identity import known_case

    from .console import note
    from .progress import show_progress

    if journal.n_done and not quiet:
        note(f"resuming after {journal.n_done} of {len(cases)} cases in {journal.path}")
    try:
        with show_progress(quiet=quiet or len(cases) == 1) as tell, closing(score(cases, journal)) as found:
            for n_done, _ in enumerate(found, 1):
                tell("scoring, case", n_done, len(cases))
    except KeyboardInterrupt:
        note(f"{journal.n_done} of {len(cases)} cases are in {journal.path}: --resume goes on")
        raise
    return journal.results([known_case(case).case_id for case in cases])


def in_this_process(
    scorer: Scorer, files: CaseFiles, cases: Sequence[Case | OpenCase], journal: Journal
) -> Generator[CaseResult, None, None]:
    """Return the results of all cases in their order, scored in this process."""
    from nodulus.pipeline.scoring.journal import score_journaled

    def score(case: Case | OpenCase) -> CaseResult:
        (result,) = scorer.score_many([case], files)
        stop_if_asked()
        return result

    return score_journaled(cases, score, journal)
