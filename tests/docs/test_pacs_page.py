"""Every command of the page on archives runs, with a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.dicom_objects import measured, write_sr
from tests.support.orthanc import running_orthanc, store
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "pacs.md"


@pytest.mark.slow
def test_every_command_of_the_page_runs(study: DemoStudy, tmp_path: Path) -> None:
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    (tmp_path / "nodules.csv").write_bytes(study.nodule_table.read_bytes())
    slices = [dcmread(path) for path in sorted(study.dicom_folder.iterdir())]
    center = study.marked.nodules[0].center_lps_mm
    mark = measured("1", "POINT", np.array([center]), slices[0].FrameOfReferenceUID, 12.0)
    marks = write_sr(tmp_path / "marks.dcm", slices, [mark])
    with running_orthanc(tmp_path / "pacs") as address:
        store(address, [*sorted(study.dicom_folder.iterdir()), marks])
        for block in blocks(PAGE):
            run_block(block, tmp_path, PACS=f"{address}/dicom-web", STUDY=str(slices[0].StudyInstanceUID))
    written = {path.parent.name: read_results(path).cases[0] for path in tmp_path.glob("out/*/results.json")}
    assert {name: len(case.nodules) for name, case in written.items()} == {"study": 6, "look": 6}
