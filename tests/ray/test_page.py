"""The command of the page about clusters gives what the page's first run gives. (`make test-ray`)"""

from __future__ import annotations

from pathlib import Path

import pytest

from nodulus.pipeline.phantom.demo_study import DemoStudy
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks

pytest.importorskip("ray", reason="Ray is an extra: make test-ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own


def test_the_command_of_the_page_gives_the_files_of_the_first(study: DemoStudy, tmp_path: Path) -> None:
    (tmp_path / "out" / "demo").mkdir(parents=True)
    (tmp_path / "out" / "demo" / "study").symlink_to(study.dicom_folder.parent)
    page = list(blocks(ROOT / "docs" / "how-to" / "a-cluster.md"))
    (on_ray,) = [block for block in page if "--ray local" in block.text]
    for block in (*page[:2], on_ray):
        run_block(block, tmp_path)
    here, there = (tmp_path / "out" / name / "results.csv" for name in ("two", "on-ray"))
    assert here.read_bytes() == there.read_bytes()
