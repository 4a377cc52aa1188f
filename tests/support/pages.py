"""The documentation's pages as tests read them: their code blocks, each with what stands before it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: .+ -->")
_PATH = re.compile(r"`([\w./]+\.py)`")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text without the indentation, and the last line before it."""

    language: str
    text: str
    before: str

    @property
    def is_run(self) -> bool:
        """Whether a reader is meant to run it here and now."""
        return not _NOT_RUN.fullmatch(self.before)

    @property
    def file(self) -> str:
        """The Python file that the line before the block names last; empty where it names none."""
        return str(["", *_PATH.findall(self.before)][-1])


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        lines = text[: found.start()].rstrip().splitlines() or [""]
        yield Block(found[2], textwrap.dedent(found[3]), lines[-1].strip())


def write_steps(page: Path, code: Path) -> list[Path]:
    """Do what a how-to page says to a copy of the code, and return the tests that it adds.

    A block of Python after a path is a new file; a diff replaces the one place of that file that it shows.
    """
    added = []
    for block in blocks(page):
        path = code / block.file
        if block.language == "python":
            assert not path.exists(), f"{page.name} makes {block.file}, which is there"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            added += [path] if path.name.startswith("test_") else []
        elif block.language == "diff":
            _edit(path, block.text, page)
    return added


def _edit(path: Path, diff: str, page: Path) -> None:
    lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = path.read_text(encoding="utf-8")
    there = text.count(old)
    assert there == 1, f"{page.name} changes a place of {path.name} that is there {there} times:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")
