"""The help shows every text as it was written, and what it lets choose may be written in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from nodulus.pipeline.command.help_text import with_brackets
from nodulus.pipeline.command.main import app, run

Words = tuple[str, ...]


def commands(command: object, words: Words = ()) -> Iterator[tuple[Words, TyperCommand | TyperGroup]]:
    """Yield every command with the words that lead to it."""
    assert isinstance(command, TyperCommand | TyperGroup)
    yield words, command
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from commands(each, (*words, name))


def functions(of: typer.Typer) -> Iterator[Callable[..., Any]]:
    """Yield the function behind every command."""
    for command in of.registered_commands:
        assert command.callback is not None
        yield command.callback
    for group in of.registered_groups:
        assert group.typer_instance is not None
        yield from functions(group.typer_instance)


def shown(capfd: pytest.CaptureFixture[str]) -> str:
    """Return what was printed without the lines of the frame and of the layout."""
    return " ".join(capfd.readouterr().out.replace("│", " ").split())


ALL = dict(commands(get_command(app)))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_help_of_every_command_shows_all_of_its_text(
    words: Words, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no text is broken over lines
    assert run([*words, "--help"]) == 0
    page = shown(capfd)
    command = ALL[words]
    texts = [command.help, command.epilog, *(getattr(parameter, "help", None) for parameter in command.params)]
    for text in filter(None, texts):
        assert " ".join(text.split()) in page
    assert "[OPTIONS]" in page


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("[]/ab#@=L -", min_size=1, max_size=24).filter(lambda text: not text.isspace()))
def test_a_help_with_any_brackets_is_shown_as_it_is(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    one = typer.Typer(add_completion=False, rich_markup_mode="rich", help=text)

    def command(option: str = "") -> None: ...

    command.__annotations__["option"] = Annotated[str, typer.Option(help=text)]
    one.command(help=text, epilog=text)(command)
    with_brackets(one)(["--help"], standalone_mode=False)
    assert shown(capfd).count(" ".join(text.split())) >= 3


def is_choice(kind: object) -> bool:
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))


def test_every_option_that_is_a_choice_takes_any_case() -> None:
    found = []
    for function in functions(app):
        for name, hint in get_type_hints(function, include_extras=True).items():
            kind, *metadata = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
            if any(map(is_choice, (kind, *get_args(kind)))):
                found.append(f"{function.__name__} {name}")
                assert [option.case_sensitive for option in metadata] == [False], found[-1]
    assert len(found) >= 5
