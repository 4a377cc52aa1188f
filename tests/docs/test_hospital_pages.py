"""Every command of the pages on hospitals runs, with a real archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.dicom_validators import needed_tool
from tests.support.orthanc import counts_in, free_port, hearing, running_orthanc
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks
from tests.support.small_studies import SmallStudy, numbered

# Where a command of a block fails, what runs in its background would hold the block's output open.
ENDS_WHAT_IT_STARTED = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
HOW_TO = ROOT / "docs" / "how-to"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["listen.md", "a-hospital.md"])
def test_every_command_of_the_page_runs(page: str, model_study: SmallStudy, tmp_path: Path) -> None:
    needed_tool("curl", "curl")
    sent = numbered(model_study, 7)
    (tmp_path / "study").mkdir()
    for index, one in enumerate(sent.objects):
        one.save_as(tmp_path / "study" / f"{index:02d}.dcm", enforce_file_format=True)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "out").mkdir()
    archive_port, port = free_port(), free_port()
    script = {"LuaScripts": [str(ROOT / "examples" / "orthanc" / "nodulus.lua")], "StableAge": 1}
    modalities = {"nodulus": ["NODULUS", "127.0.0.1", port], "scanner": ["SCANNER", "127.0.0.1", 104]}
    heard = hearing(archive_port, "NODULUS") | {"DicomModalities": modalities}
    with running_orthanc(tmp_path / "pacs", **heard, **(script if page == "a-hospital.md" else {})) as address:
        for block in blocks(HOW_TO / page):
            if block.language == "bash" and block.is_run:
                ports = {"ARCHIVE_PORT": archive_port, "PORT": port, "METRICS_PORT": free_port()}
                run_block(
                    replace(block, text=ENDS_WHAT_IT_STARTED + block.text),
                    tmp_path,
                    **{name: str(number) for name, number in ports.items()},
                )
        counts = counts_in(address)
    assert counts["OT"] == 1
    assert counts["SR"] == (2 if page == "a-hospital.md" else 1)
