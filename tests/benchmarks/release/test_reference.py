"""The pages of reference are those that the code gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.places import DOCS
from benchmarks.release.reference import main, pages


@pytest.mark.parametrize("name", ["results.md", "results.schema.json", "series-gate.md", "metrics.md", "commands.md"])
def test_the_committed_page_is_the_written_one(name: str) -> None:
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == pages()[name], "run: make schema"


def test_pages_are_written_where_they_belong(tmp_path: Path) -> None:
    main(["--docs", str(tmp_path)])
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "reference").iterdir()} == pages()


def test_commands_tell_what_their_help_tells() -> None:
    text = pages()["commands.md"]
    assert "## nodulus prepare lidc" in text
    assert "| `--output`, `-o` | Folder for the results. | must be given |" in text
    assert "| `--split` | Which part of the list. `validation`, `test`, `training`. | `validation` |" in text


def test_fields_tell_what_their_record_tells() -> None:
    text = pages()["metrics.md"]
    assert "| `minus_diameter` | [Estimate](#estimate) or null | `null` | AUC of the score less the diameter's" in text
    assert text.count("\n## ") == len({line for line in text.splitlines() if line.startswith("## ")})
