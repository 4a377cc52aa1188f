"""What a run leaves behind and ends with, once its cases are scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.exit_codes import ExitCode

if TYPE_CHECKING:
    from nodulus.pipeline.results.record import CaseResult, Results


def exit_code(results: list[CaseResult]) -> ExitCode:
    """Return OK when every nodule was scored, SOME_FAILED when some were; when none was, whose fault it is."""
    if all(case.is_complete for case in results):
        return ExitCode.OK
    is_any_scored = any(nodule.probabilities for case in results for nodule in case.nodules)
    if is_any_scored or (len(results) > 1 and any(case.is_complete for case in results)):
        return ExitCode.SOME_FAILED
    is_our_fault = any(case.status == "failed" for case in results)
    return ExitCode.INTERNAL_ERROR if is_our_fault else ExitCode.INPUT_REFUSED


def run_page_of(record: Results, output: Path) -> tuple[Path, ...]:
    """Write the page that leads to the files of many cases and return its path; a single case needs none."""
    if len(record.cases) == 1:
        return ()
    from nodulus.pipeline.writers.run_page import write_run_page

    return (write_run_page(record, output),)
