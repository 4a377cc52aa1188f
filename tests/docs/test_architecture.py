"""The page that shows the rooms names those that are there, in the layers that import-linter checks."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = ROOT / "docs" / "explanation" / "architecture.md"
NOT_SHOWN = {"__init__", "__main__", "facade"}


def rows(half: str) -> list[tuple[set[str], str]]:
    """Return the lines of a half's table: the rooms that each names, and what it says of them."""
    section = PAGE.read_text().split(f"### {half}\n", 1)[1].split("\n#", 1)[0]
    cells = re.findall(r"^\| (`.+?) \| (.+) \|$", section, re.MULTILINE)
    return [(set(re.findall(r"`(\w+)`", rooms)), answer) for rooms, answer in cells]


@pytest.mark.parametrize("half", ["transforms", "pipeline"])
def test_every_room_on_disk_is_on_the_page_and_no_other(half: str) -> None:
    there = {path.parent.name for path in (ROOT / half).glob("*/__init__.py")}
    there |= {path.stem for path in (ROOT / half).glob("*.py")}
    assert set().union(*(rooms for rooms, _ in rows(half))) == there - NOT_SHOWN


@pytest.mark.parametrize("half", ["transforms", "pipeline"])
def test_the_rooms_stand_in_the_layers_of_the_contract(half: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each.get("containers") == [f"nodulus.{half}"]]
    checked = [set(layer.split(" | ")) for layer in layers]
    assert [rooms for rooms, _ in rows(half)] == [layer for layer in checked if layer != {"__main__"}]


@pytest.mark.parametrize("half", ["transforms", "pipeline"])
def test_every_room_has_its_sentence(half: str) -> None:
    for rooms, answer in rows(half):
        assert len(answer.split("; ")) >= len(rooms), rooms


def test_the_folders_around_are_named() -> None:
    text = PAGE.read_text()
    for folder in ("bundles", "tests", "benchmarks", *_benchmarks()):
        assert f"`{folder}" in text


def _benchmarks() -> set[str]:
    return {path.parent.name for path in Path(ROOT / "benchmarks").glob("*/__init__.py")}
