"""The pages of reference are those that the code gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.places import DOCS
from benchmarks.release.reference import main, pages

PAGES = ("results.md", "series-gate.md", "metrics.md", "commands.md")


@pytest.mark.parametrize("name", ["schema/results-1.2.schema.json", *(f"reference/{page}" for page in PAGES)])
def test_the_committed_page_is_the_written_one(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run: make schema"


def test_pages_are_written_where_they_belong(tmp_path: Path) -> None:
    main(["--docs", str(tmp_path)])
    written = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.*")}
    assert {name: path.read_text(encoding="utf-8") for name, path in written.items()} == pages()


def test_commands_tell_what_their_help_tells() -> None:
    text = pages()["reference/commands.md"]
    assert "## nodulus prepare lidc" in text
    assert "| `--output`, `-o` | Folder for the results. | must be given |" in text
    assert "| `--split` | Which part of the list. `validation`, `test`, `training`. | `validation` |" in text


def test_fields_tell_what_their_record_tells() -> None:
    text = pages()["reference/metrics.md"]
    assert "| `minus_diameter` | [Estimate](#estimate) or null | `null` | AUC of the score less the diameter's" in text
    assert text.count("\n## ") == len({line for line in text.splitlines() if line.startswith("## ")})
