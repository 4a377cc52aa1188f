"""The page of a run over many cases: a table of them, with a link to the page of each."""

from __future__ import annotations

from pathlib import Path

from nodulus.pipeline.files import write_text
from nodulus.pipeline.pages.one_page import PAGE
from nodulus.pipeline.pages.policy import content_policy
from nodulus.pipeline.results.record import CaseResult, Results

from .page import templates


def write_run_page(run: Results, output_dir: Path) -> Path:
    """Write the page of a run into its folder and return its path.

    Raises:
        UsageError: it cannot be written.
    """
    environment = templates()
    style = environment.get_template("run.css").render()
    text = environment.get_template("run.html.j2").render(
        policy=content_policy(style), style=style, run=run, cases=[(case, _page_of(case)) for case in run.cases]
    )
    return write_text(output_dir / PAGE, text)


def _page_of(case: CaseResult) -> str:
    """Return the address of a case's page, from the run's folder; empty where it has none."""
    return next((name for name in case.files if name.rpartition("/")[2] == PAGE), "")
