"""Every command of the README and of the pages runs, in the order in which a reader meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nodulus.pipeline.phantom.demo_study import DemoStudy
from tests.support.page_runner import run_block
from tests.support.pages import PAGES, ROOT, Block, blocks

README = ROOT / "README.md"
RUN = ("bash", "python")
SHOWN = ("json", "text")  # nothing that can be run
HOW_TO = ROOT / "docs" / "how-to"
# By tests of their own: on a copy of the code, and with a scan or a server of a shell variable's name.
FOLLOWED = [
    *sorted(HOW_TO.glob("add-a-*.md")),
    *(
        HOW_TO / name
        for name in (
            "a-hospital.md",
            "detect.md",
            "from-a-scan-to-nodules.md",
            "listen.md",
            "monai-bundle.md",
            "pacs.md",
            "your-own-data.md",
        )
    ),
]
# On the other pages it is the commands that are tried, with a network that costs next to nothing.
WITH_THE_SHIPPED_BUNDLE = [README, ROOT / "docs" / "tutorial" / "first-score.md", HOW_TO / "audit-and-pack.md"]
NAME = "lung_nodule_ct_classification"
# What a reader of the page has by then.
MADE_BY_THEM = {README: ("out/third/results.json", "out/run/model.pt", "out/evaluation/metrics.json")}


def commands(page: Path) -> list[Block]:
    """Return what a reader of a page runs; `make` itself is for a fresh checkout."""
    if page in FOLLOWED:
        return []
    return [each for each in blocks(page) if each.language in RUN and each.is_run and "make test" not in each.text]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_every_command_of_a_page_runs(
    page: Path,
    study: DemoStudy,
    tiny_crops: Path,
    small_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "bundles").mkdir()
    bundle = ROOT / "bundles" / NAME if page in WITH_THE_SHIPPED_BUNDLE else small_bundle
    (tmp_path / "bundles" / NAME).symlink_to(bundle)
    monkeypatch.setenv("NODULUS_BUNDLE", str(bundle))
    (tmp_path / "lidc_nodules").symlink_to(tiny_crops)
    (tmp_path / "out" / "demo").mkdir(parents=True)
    (tmp_path / "out" / "demo" / "study").symlink_to(study.dicom_folder.parent)  # as `make demo` leaves it
    for block in commands(page):
        run_block(block, tmp_path)
    for name in MADE_BY_THEM.get(page, ()):
        assert (tmp_path / name).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_is_left_out_without_a_reason(page: Path) -> None:
    known = (*RUN, *SHOWN, "diff") if page in FOLLOWED else (*RUN, *SHOWN)
    assert [block.text for block in blocks(page) if block.language not in known] == []


def test_pages_with_commands_are_found() -> None:
    assert {page.stem for page in PAGES if commands(page)} >= {"README", "first-score", "train", "evaluate"}


def test_pip_lines_of_the_readme_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in re.findall(r"pip install (.*)$", README.read_text(), re.MULTILINE):
        assert f"install {line}\n" in makefile
