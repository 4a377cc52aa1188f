"""Every command of the how-to from a scan to nodules runs, and every way ends at the same nodule."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import DemoStudy, write_demo_study
from nodulus.pipeline.scoring.results import read_results
from tests.support.dicom_objects import measured, write_sr

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "how-to" / "from-a-scan-to-nodules.md"
BLOCK = re.compile(r"^(<!-- not run: [^\n]*\n)?```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CENTER_LPS_MM, DIAMETER_MM = np.array([72.0, -14.0, 59.0]), 16.0


def write_sources(folder: Path, study: DemoStudy) -> None:
    """Write what the tools of the page would: the same nodule in each one's form, and what is to be left out."""
    x, y, z = CENTER_LPS_MM.tolist()
    header = "nodule_id,x_mm,y_mm,z_mm,diameter_mm\n"
    (folder / "nodules.csv").write_text(f"{header}1,{x},{y},{z},{DIAMETER_MM}\n")
    ends = [[x - DIAMETER_MM / 2, y, z], [x + DIAMETER_MM / 2, y, z]]
    line = {"type": "Line", "coordinateSystem": "LPS", "controlPoints": [{"position": end} for end in ends]}
    (folder / "L.mrk.json").write_text(json.dumps({"markups": [line]}))
    boxes = [[x, y, z, *3 * [DIAMETER_MM]], [0, 0, 0, 5, 5, 5]]
    (folder / "boxes.json").write_text(json.dumps([{"box": boxes, "label": [0, 0], "label_scores": [0.9, 0.1]}]))
    slices = [dcmread(path) for path in sorted(study.dicom_folder.iterdir())]
    point = measured("1", "POINT", CENTER_LPS_MM[None], slices[0].FrameOfReferenceUID, DIAMETER_MM)
    write_sr(folder / "report.dcm", slices, [point])
    rows = [f"{uid},{x},{y},{z},{DIAMETER_MM}" for uid in (slices[0].SeriesInstanceUID, "1.2.3")]
    (folder / "annotations.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,diameter_mm", *rows]) + "\n")
    _write_mask(folder / "seg" / "lung_nodules.nii.gz", study.nifti)


def _write_mask(path: Path, scan: Path) -> None:
    image = nib.load(scan)
    positions_ras_mm = np.moveaxis(np.indices(image.shape), 0, -1) @ image.affine[:3, :3].T + image.affine[:3, 3]
    distances_mm = np.linalg.norm(positions_ras_mm * [-1, -1, 1] - CENTER_LPS_MM, axis=-1)
    mask = (distances_mm <= DIAMETER_MM / 2).astype(np.uint8)
    mask[0, 0, 0] = 1  # a speck
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(mask, image.affine), path)


@pytest.mark.slow
def test_every_way_of_the_page_leads_to_the_nodule(tmp_path: Path) -> None:
    study = write_demo_study(tmp_path, PhantomSpec())
    write_sources(tmp_path, study)
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SCAN": str(study.dicom_folder)}
    for is_left_out, language, text in BLOCK.findall(PAGE.read_text()):
        if is_left_out:
            continue
        interpreter = ["bash", "-euo", "pipefail", "-c"] if language == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*interpreter, text], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    written = sorted(each.parent.name for each in tmp_path.glob("out/*/results.json"))
    assert written == ["boxes", "luna16", "mask", "point", "point_ras", "report", "slicer", "table"]
    for name in written:
        (nodule,) = read_results(tmp_path / "out" / name / "results.json").cases[0].nodules
        assert nodule.center_lps_mm == pytest.approx(CENTER_LPS_MM, abs=0.5), name
        assert nodule.diameter_mm == pytest.approx(DIAMETER_MM, abs=0.5), name


def test_commands_that_are_not_run_are_not_ours() -> None:
    left_out = [text for is_left_out, _, text in BLOCK.findall(PAGE.read_text()) if is_left_out]
    assert left_out
    assert not [text for text in left_out if re.search(r"^nodulus ", text, re.MULTILINE)]
