"""The index of the decisions names each of them, as it calls itself."""

from __future__ import annotations

import re

from tests.support.pages import ROOT

FOLDER = ROOT / "docs" / "decisions"


def test_every_decision_is_in_the_index_once() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\((\1-[\w-]+\.md)\) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(name for _, name in listed) == sorted(path.name for path in FOLDER.glob("0*.md"))


def test_every_decision_says_why_and_is_half_a_page() -> None:
    for path in FOLDER.glob("0*.md"):
        text = path.read_text()
        assert "**Why" in text, path.name
        assert len(text.split()) <= 400, path.name
