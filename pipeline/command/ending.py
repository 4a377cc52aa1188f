"""What a run leaves behind and ends with, once its cases are scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.exit_codes import ExitCode

if TYPE_CHECKING:
    from nodulus.pipeline.results.record import CaseResult, Results


def exit_code(results: Iterable[CaseResult]) -> ExitCode:
    """Return OK when every nodule was scored, SOME_FAILED when some were; when none was, whose fault it is."""
    n_cases = n_complete = n_failed = 0
    is_any_scored = False
    for case in results:
        n_cases += 1
        n_complete += case.is_complete
        n_failed += case.status == "failed"
        is_any_scored |= any(nodule.probabilities for nodule in case.nodules)
    if n_complete == n_cases:
        return ExitCode.OK
    if is_any_scored or n_complete:
        return ExitCode.SOME_FAILED
    return ExitCode.INTERNAL_ERROR if n_failed else ExitCode.INPUT_REFUSED


def run_page_of(head: Results, cases: Sequence[CaseResult], output: Path) -> tuple[Path, ...]:
    """Write the page that leads to the files of many cases and return its path; a single case needs none."""
    if len(cases) == 1:
        return ()
    from nodulus.pipeline.writers.run_page import write_run_page

    return (write_run_page(head.model_copy(update={"cases": tuple(cases)}), output),)
