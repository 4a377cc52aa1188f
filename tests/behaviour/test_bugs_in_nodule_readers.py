"""A fault of ours in a reader of nodules ends as one, exit code 1, and never as what is wrong with the file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from nodulus.pipeline import nodules
from nodulus.pipeline.command.main import run
from nodulus.pipeline.nodules import from_markups, from_mask, from_rtstruct, nodule, seg_frames, sr_content, table_rows
from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.transforms.problems import NodulusError
from tests.support.nodule_files import FORMATS, write_nodule_file

BUGS = [TypeError, AttributeError, ValueError, KeyError]
HOME = str(Path(next(iter(nodules.__path__))).resolve())


def bug(kind: type[Exception]) -> Callable[..., None]:
    """Return a function that fails as a mistake in it would."""

    def fails(*_: object, **__: object) -> None:
        raise kind("a mistake of ours")

    return fails


@pytest.mark.parametrize("kind", BUGS)
@pytest.mark.parametrize(
    ("source", "room", "name"),
    [
        ("SR", sr_content, "_millimetres"),
        ("BINARY", seg_frames, "_frame"),
        ("RTSTRUCT", from_rtstruct, "_outline"),
        ("ours.csv", table_rows, "decimal_of"),
        ("ours.json", nodule, "_number"),
        ("marks.fcsv", from_markups, "_marked"),
        ("mask.nrrd", from_mask, "_stack"),
    ],
)
def test_a_bug_in_a_reader_is_an_internal_error(
    kind: type[Exception],
    source: str,
    room: object,
    name: str,
    study: DemoStudy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = write_nodule_file(source, tmp_path)
    monkeypatch.setattr(room, name, bug(kind))
    assert run(["check", str(study.dicom_folder), "--nodules", str(path)]) == 1
    assert f"internal error: {kind.__name__}: " in capfd.readouterr().err


def functions_called(path: Path) -> set[Any]:
    """Return the functions of the nodules' room that reading a file calls, by what Python's profiler sees."""
    codes: set[CodeType] = set()

    def seen(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(HOME):
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        read_nodules(path)
    finally:
        sys.setprofile(before)
    rooms = [room for name, room in sys.modules.items() if name.startswith(f"{nodules.__name__}.")]
    named = (member for room in rooms for member in vars(room).values())
    return {one for one in named if getattr(one, "__code__", None) in codes and not one.__code__.co_freevars}


@contextmanager
def broken(function: Any, kind: type[Exception]) -> Iterator[None]:
    """Let a function fail for all who call it, whatever they call it by."""
    sound = function.__code__
    function.__code__ = failing(kind).__code__
    try:
        yield
    finally:
        function.__code__ = sound


def failing(kind: type[Exception]) -> Any:
    """Return a function without outer variables, whose code can stand for another's."""
    namespace: dict[str, Any] = {}
    exec(f"def fails(*_, **__):\n    raise {kind.__name__}('a mistake of ours')", namespace)
    return namespace["fails"]


@pytest.mark.parametrize("kind", BUGS)
@pytest.mark.parametrize("source", FORMATS)
def test_a_bug_in_any_function_of_a_reader_is_no_refusal(source: str, kind: type[Exception], tmp_path: Path) -> None:
    path = write_nodule_file(source, tmp_path)
    functions = functions_called(path)
    assert len(functions) >= 8
    hidden = []
    for function in functions:
        try:
            with broken(function, kind):
                read_nodules(path)
            hidden.append(function.__qualname__)
        except NodulusError:
            hidden.append(function.__qualname__)
        except kind:
            pass
    assert hidden == []
