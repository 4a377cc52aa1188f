"""How far a run is, shown to people while it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .console import error_console

if TYPE_CHECKING:
    from nodulus.pipeline.bundle.run import Tell


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Tell]:
    """Give what a run tells its progress to: a bar on standard error where that is a terminal, unless ``quiet``."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    is_hidden = quiet or not error_console.is_terminal
    with Progress(*columns, console=error_console, transient=True, disable=is_hidden) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, of: int) -> None:
            nonlocal task
            if (bar.tasks[0].total or 0) != of:  # rich cannot forget a total
                bar.remove_task(task)
                task = bar.add_task(what, total=of or None)
            bar.update(task, description=what, completed=done)

        yield tell
