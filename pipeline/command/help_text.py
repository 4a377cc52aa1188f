"""Help that shows what was written: to rich, which lays it out, [name] is markup and vanishes."""

from __future__ import annotations

from collections.abc import Callable

import typer
from rich.markup import escape
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command


def with_brackets(app: typer.Typer) -> Callable[..., object]:
    """Return the app's command, made anew, with every help text escaped: its own, its options', its commands'."""
    command = get_command(app)
    _escape(command)
    return command


def _escape(command: object) -> None:
    if not isinstance(command, TyperCommand | TyperGroup):
        return
    for text in ("help", "short_help", "epilog"):
        setattr(command, text, _escaped(getattr(command, text)))
    for parameter in command.params:
        if isinstance(parameter, TyperArgument | TyperOption):
            parameter.help = _escaped(parameter.help)
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            _escape(each)


def _escaped(text: str | None) -> str | None:
    return None if text is None else escape(text)
