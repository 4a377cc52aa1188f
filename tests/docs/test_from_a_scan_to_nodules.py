"""Every command of the how-to from a scan to nodules runs, and every way ends at the same nodule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from tests.support.dicom_objects import measured, write_rtstruct, write_seg, write_sr
from tests.support.page_runner import run_block
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "from-a-scan-to-nodules.md"
CENTER_LPS_MM, DIAMETER_MM = np.array([72.0, -14.0, 59.0]), 16.0
FORMATS = {
    "point": "point",
    "point_ras": "point",
    "table": "nodulus_csv",
    "slicer_line": "slicer_markups",
    "slicer_points": "slicer_markups",
    "slicer_fcsv": "slicer_fcsv",
    "slicer_segments": "label_mask",
    "mask": "label_mask",
    "seg": "dicom_seg",
    "rtstruct": "dicom_rtstruct",
    "boxes": "detection_json",
    "report": "dicom_sr",
    "luna16": "luna16_csv",
}


def write_sources(folder: Path, study: DemoStudy) -> None:
    """Write what the tools of the page would: the same nodule in each one's form, and what is to be left out."""
    slices = [dcmread(path) for path in sorted(study.dicom_folder.iterdir())]
    _write_texts(folder, slices[0].SeriesInstanceUID)
    _write_dicom_objects(folder, slices)
    _write_masks(folder)


def _write_texts(folder: Path, series_uid: str) -> None:
    x, y, z = CENTER_LPS_MM.tolist()
    (folder / "nodules.csv").write_text(f"nodule_id,x_mm,y_mm,z_mm,diameter_mm\n1,{x},{y},{z},{DIAMETER_MM}\n")
    ends = [{"position": [x + sign * DIAMETER_MM / 2, y, z]} for sign in (-1, 1)]
    point = {"label": "F-1", "description": f"{DIAMETER_MM} mm", "position": [-x, -y, z]}
    line = {"type": "Line", "coordinateSystem": "LPS", "controlPoints": ends}
    points = {"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": [point]}
    for name, markup in (("L", line), ("nodules", points)):
        (folder / f"{name}.mrk.json").write_text(json.dumps({"markups": [markup]}))
    columns = "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
    fiducial = f"1,{x},{y},{z},0,0,0,1,1,1,0,F-1,{DIAMETER_MM} mm,"
    fcsv = ["# Markups fiducial file version = 5.0", "# CoordinateSystem = LPS", columns, fiducial]
    (folder / "nodules.fcsv").write_text("\n".join(fcsv) + "\n")
    boxes = [[x, y, z, *3 * [DIAMETER_MM]], [0, 0, 0, 5, 5, 5]]
    (folder / "boxes.json").write_text(json.dumps([{"box": boxes, "label": [0, 0], "label_scores": [0.9, 0.1]}]))
    rows = [f"{uid},{x},{y},{z},{DIAMETER_MM}" for uid in (series_uid, "1.2.3")]
    (folder / "annotations.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,diameter_mm", *rows]) + "\n")


def _write_dicom_objects(folder: Path, slices: Sequence[Dataset]) -> None:
    point = measured("1", "POINT", CENTER_LPS_MM[None], slices[0].FrameOfReferenceUID, DIAMETER_MM)
    write_sr(folder / "report.dcm", slices, [point])
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=-1)
    near = [one for one in slices if _half_chord_mm(one) > 0]
    rings = [[*CENTER_LPS_MM[:2], one.ImagePositionPatient[2]] + circle * _half_chord_mm(one) for one in near]
    write_rtstruct(folder / "rtstruct.dcm", slices[0], {"nodule": rings})
    rows_mm, columns_mm = slices[0].PixelSpacing
    spacing_mm = [columns_mm, rows_mm, 0.0]
    index = np.indices((slices[0].Columns, slices[0].Rows, 1)).transpose(1, 2, 3, 0)
    ball = [_in_ball(np.array(one.ImagePositionPatient) + index * spacing_mm) for one in near]
    write_seg(folder / "seg.dcm", near, [np.concatenate(ball, axis=2)], ["nodule"])


def _half_chord_mm(ct_slice: Dataset) -> float:
    """Return the radius of the nodule's disc in a slice; 0 where the slice lies beside the nodule."""
    height_mm = float(ct_slice.ImagePositionPatient[2]) - CENTER_LPS_MM[2]
    return float(np.sqrt(max(DIAMETER_MM**2 / 4 - height_mm**2, 0)))


def _in_ball(positions_lps_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(positions_lps_mm - CENTER_LPS_MM, axis=-1) <= DIAMETER_MM / 2)


def _write_masks(folder: Path) -> None:
    """Write the nodule and a speck on a grid of 1 mm, turned and shifted, as TotalSegmentator and as Slicer save it."""
    affine_ras = np.diag([-1.0, 1.0, 1.0, 1.0])
    affine_ras[:3, 3] = CENTER_LPS_MM * [-1, -1, 1] + [15.3, -14.2, -12.6]
    positions_ras_mm = np.moveaxis(np.indices((32, 30, 28)), 0, -1) @ affine_ras[:3, :3].T + affine_ras[:3, 3]
    mask = _in_ball(positions_ras_mm * [-1, -1, 1]).astype(np.uint8)
    mask[0, 0, 0] = 1  # a speck
    (folder / "seg").mkdir()
    nifti = folder / "seg" / "lung_nodules.nii.gz"
    nib.save(nib.Nifti1Image(mask, affine_ras), nifti)
    sitk.WriteImage(sitk.ReadImage(nifti), folder / "Segmentation.seg.nrrd")


@pytest.mark.slow
def test_every_way_of_the_page_leads_to_the_nodule(study: DemoStudy, tmp_path: Path) -> None:
    write_sources(tmp_path, study)
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    for block in blocks(PAGE):
        if block.is_run:
            run_block(block, tmp_path, SCAN=str(study.dicom_folder))
    written = {path.parent.name: read_results(path).cases[0] for path in tmp_path.glob("out/*/results.json")}
    assert written.keys() == FORMATS.keys()
    for name, case in written.items():
        assert (case.nodules_from and case.nodules_from.format) == FORMATS[name], name
        (nodule,) = case.nodules
        assert nodule.center_lps_mm == pytest.approx(CENTER_LPS_MM, abs=0.5), name
        assert nodule.diameter_mm == pytest.approx(DIAMETER_MM, abs=0.5), name


def test_commands_that_are_not_run_are_not_ours() -> None:
    left_out = [line for block in blocks(PAGE) if not block.is_run for line in block.text.splitlines()]
    assert left_out
    assert not [line for line in left_out if line.startswith("nodulus ")]
