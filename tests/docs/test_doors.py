"""Every door has its page, which the index leads to, and what the page does not run itself a test runs by its name."""

from __future__ import annotations

import re

import pytest

from tests.support.pages import ROOT, blocks

DOCS = ROOT / "docs"
PAGE_OF = {
    "the wheel": "install.md",
    "MONAI's bundle commands": "monai-bundle.md",
    "audit and pack": "audit-and-pack.md",
    "MONAI Deploy": "monai-deploy.md",
    "several devices": "train-on-several-devices.md",
    "federated training": "federated.md",
    "a detector": "detect.md",
}


@pytest.mark.parametrize("page", PAGE_OF.values(), ids=PAGE_OF.keys())
def test_the_index_leads_to_the_page_of_every_door(page: str) -> None:
    assert f"](how-to/{page})" in (DOCS / "index.md").read_text()
    assert list(blocks(DOCS / "how-to" / page))


@pytest.mark.parametrize("page", PAGE_OF.values(), ids=PAGE_OF.keys())
def test_the_tests_that_run_its_other_commands_are_there(page: str) -> None:
    named = re.findall(r"tests/[\w/]+\.py", (DOCS / "how-to" / page).read_text())
    left_out = [block for block in blocks(DOCS / "how-to" / page) if not block.is_run]
    assert all((ROOT / name).is_file() for name in named)
    assert len(named) >= len([block for block in left_out if "by tests/" in block.before])
