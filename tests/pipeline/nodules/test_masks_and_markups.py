"""Label masks on their own grid and Slicer's markups: the same nodules come back from each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.transforms.problems import UsageError
from tests.support.dicom_objects import AXES_LPS, ORIGIN_LPS_MM, SPACING_MM, lps_of
from tests.support.nodule_objects import BIG, SMALL, ball_mask, ring

SUFFIXES = (".nii", ".nii.gz", ".mha", ".nrrd", ".seg.nrrd")


def write_mask(path: Path, labels: np.ndarray) -> Path:
    """Write labels (x, y, z) on the oblique grid of the tiny series."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(labels.transpose(2, 1, 0)))
    image.SetSpacing(SPACING_MM)
    image.SetOrigin(ORIGIN_LPS_MM.tolist())
    image.SetDirection(AXES_LPS.ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_a_mask_of_one_label_gives_a_nodule_a_part(tmp_path: Path, suffix: str, dtype: str) -> None:
    labels = (ball_mask(BIG) | ball_mask(SMALL)).astype(dtype)
    labels[27, 2, 1] = 1
    found = read_nodules(write_mask(tmp_path / f"lung_nodules{suffix}", labels))
    assert found.format == "label_mask"
    assert [nodule.nodule_id for nodule in found.nodules] == ["1.1", "1.2"]
    for nodule, (center, diameter_mm) in zip(found.nodules, (BIG, SMALL), strict=True):
        np.testing.assert_allclose(nodule.center_lps_mm, lps_of(center), atol=0.1)
        assert nodule.diameter_mm == pytest.approx(diameter_mm, abs=0.4)
        assert nodule.box_lps_mm is not None
    assert found.notes == ("1 of 3 parts of '1' left out: below 2.5 mm",)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_mask_of_several_labels_gives_a_nodule_a_label(tmp_path: Path, suffix: str) -> None:
    labels = ball_mask(BIG) * np.uint8(3) + ball_mask(SMALL) * np.uint8(7)
    nodules = read_nodules(write_mask(tmp_path / f"mask{suffix}", labels)).nodules
    assert [nodule.nodule_id for nodule in nodules] == ["3", "7"]


def test_an_organ_in_a_mask_is_left_out(tmp_path: Path) -> None:
    labels = np.full((60, 60, 60), 0, dtype=np.uint8)
    labels[5:55, 5:55, 5:55] = 1
    labels[20:24, 20:24, 20:24] = 2
    nib.save(nib.Nifti1Image(labels, np.diag([3.0, 3, 3, 1])), tmp_path / "both.nii.gz")
    found = read_nodules(tmp_path / "both.nii.gz")
    assert [nodule.nodule_id for nodule in found.nodules] == ["2"]
    assert found.notes[0].startswith("label '1' left out: 33")
    np.testing.assert_allclose(found.nodules[0].center_lps_mm, (-64.5, -64.5, 64.5), atol=1e-3)


def test_names_of_labels_are_read_and_anatomy_among_them_is_left_out(tmp_path: Path) -> None:
    labels = ball_mask(BIG) * np.uint8(1) + ball_mask(SMALL) * np.uint8(2)
    image = nib.Nifti1Image(labels, np.diag([1.0, 1, 1, 1]))
    names = '<Label Key="1"><![CDATA[lung_nodules]]></Label><Label Key="2"><![CDATA[heart]]></Label>'
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, f"<CaretExtension>{names}</CaretExtension>".encode()))
    nib.save(image, tmp_path / "total.nii.gz")
    found = read_nodules(tmp_path / "total.nii.gz")
    assert [nodule.nodule_id for nodule in found.nodules] == ["lung_nodules"]
    assert found.notes == ("label 'heart' left out: it is named as anatomy, 'heart'",)
    path = write_mask(tmp_path / "Segmentation.seg.nrrd", labels)
    content = path.read_bytes()
    keys = b"Segment0_LabelValue:=1\nSegment0_Name:=R4\nSegment1_LabelValue:=2\nSegment1_Name:=Aorta\n\n"
    path.write_bytes(content.replace(b"\n\n", b"\n" + keys, 1))
    assert [nodule.nodule_id for nodule in read_nodules(path).nodules] == ["R4"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((6, 6, 6), np.uint8), "got no voxel above 0"),
        (np.full((6, 6, 6), -900, np.int16), "an image, not a mask"),
        (np.linspace(0, 1, 216, dtype=np.float32).reshape(6, 6, 6), "probabilities"),
        (np.arange(1000, dtype=np.int16).reshape(10, 10, 10), "got 999 .a CT image"),
    ],
)
def test_what_is_no_mask_is_named(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=rf"mask\.nrrd: expected .*{message}"):
        read_nodules(write_mask(tmp_path / "mask.nrrd", labels))


def test_a_mask_states_its_frame(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nrrd", ball_mask(BIG).astype(np.uint8))
    with pytest.raises(UsageError, match="expected no --frame RAS, the file states its own"):
        read_nodules(path, frame="RAS")


CENTER, D = np.array([-47.4, -30.2, -169.6]), 12.8


def turned(point: np.ndarray, system: str) -> list[float]:
    signs = [-1, -1, 1] if system in ("RAS", "0") else [1, 1, 1]
    return [float(value) for value in np.asarray(point) * signs]


def markup(kind: str, system: str) -> dict[str, object]:
    reach = np.array([D / 2, 0, 0])
    points_of: dict[str, list[np.ndarray]] = {
        "Line": [CENTER - reach, CENTER + reach],
        "ClosedCurve": list(ring(CENTER, D / 2, 30)),
        "Fiducial": [CENTER],
    }
    described = "12.8" if kind == "Fiducial" else ""
    placed = [
        {"label": f"R4-{n}", "description": described, "position": turned(point, system), "positionStatus": "defined"}
        for n, point in enumerate(points_of.get(kind, []), 1)
    ]
    box: dict[str, object] = {
        "center": turned(CENTER, system),
        "size": [D, D, D],
        "orientation": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    }
    said: dict[str, object] = {"type": kind, "coordinateSystem": system, "coordinateUnits": "mm"}
    return said | {"controlPoints": placed} | (box if kind == "ROI" else {})


@pytest.mark.parametrize("system", ["LPS", "RAS"])
@pytest.mark.parametrize("kind", ["Line", "ClosedCurve", "Fiducial", "ROI"])
def test_slicer_markups_are_read(tmp_path: Path, kind: str, system: str) -> None:
    path = tmp_path / "R4.mrk.json"
    path.write_text(json.dumps({"@schema": "markups-schema-v1.0.3", "markups": [markup(kind, system)]}))
    found = read_nodules(path)
    assert found.format == "slicer_markups"
    assert found.nodules[0].nodule_id == ("R4-1" if kind == "Fiducial" else "R4")
    np.testing.assert_allclose(found.nodules[0].center_lps_mm, CENTER, atol=0.05)
    assert found.nodules[0].diameter_mm == pytest.approx(D, abs=0.2)


@pytest.mark.parametrize("unit", ["mm", ["mm", "mm", "mm"], ["mm", "UCUM", "millimeter"], "cm", ["cm", "UCUM", "cm"]])
def test_markups_in_another_unit_are_left_out_by_name(tmp_path: Path, unit: object) -> None:
    path = tmp_path / "R4.mrk.json"
    path.write_text(json.dumps({"markups": [{**markup("Line", "LPS"), "coordinateUnits": unit}]}))
    if "mm" in unit:  # type: ignore[operator]  # a text or a list
        assert read_nodules(path).nodules[0].diameter_mm == pytest.approx(D)
    else:
        with pytest.raises(UsageError, match=r"expected coordinateUnits mm, got .*cm"):
            read_nodules(path)


def test_a_point_without_a_diameter_is_left_out(tmp_path: Path) -> None:
    bare = markup("Fiducial", "LPS")
    bare["controlPoints"][0]["description"] = ""  # type: ignore[index]  # a list of mappings
    path = tmp_path / "F.mrk.json"
    path.write_text(json.dumps({"markups": [bare, markup("Line", "LPS"), {"type": "Angle", "controlPoints": []}]}))
    found = read_nodules(path)
    assert [nodule.nodule_id for nodule in found.nodules] == ["F-2"]
    assert "a point without a diameter: write it into its description" in found.notes[0]
    assert "Angle 'F-3' left out" in found.notes[1]


@pytest.mark.parametrize(("system", "written"), [("LPS", "LPS"), ("RAS", "RAS"), ("1", "1"), ("0", "0")])
def test_slicer_fiducials_are_read(tmp_path: Path, system: str, written: str) -> None:
    x, y, z = turned(CENTER, system)
    path = tmp_path / "F.fcsv"
    path.write_text(
        f"# Markups fiducial file version = 4.11\n# CoordinateSystem = {written}\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        f"node_1,{x},{y},{z},0,0,0,1,1,1,0,R4,12.8 mm,\nnode_2,1,2,3,0,0,0,1,1,1,0,bare,,\n"
    )
    found = read_nodules(path)
    assert (found.format, [nodule.nodule_id for nodule in found.nodules]) == ("slicer_fcsv", ["R4"])
    np.testing.assert_allclose(found.nodules[0].center_lps_mm, CENTER)
    assert found.nodules[0].diameter_mm == 12.8
    assert "point 'bare' left out" in found.notes[0]


def test_fiducials_that_a_spreadsheet_wrote_are_read(tmp_path: Path) -> None:
    path = tmp_path / "F.fcsv"
    rows = "# CoordinateSystem = LPS\n# columns = id;x;y;z;label;desc\n1;-47,4;-30,2;-169,6;R4;12,8 mm\n"
    path.write_text(f"# Markups fiducial file version = 4.11\n{rows}")
    found = read_nodules(path).nodules
    np.testing.assert_allclose(found[0].center_lps_mm, CENTER)
    assert found[0].diameter_mm == D


@pytest.mark.parametrize("name", ["mask", "mask.bin", "mask.nii"])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_mask_is_known_by_its_content(tmp_path: Path, name: str, is_packed: bool) -> None:
    path = write_mask(tmp_path / "mask.nii.gz", ball_mask(BIG).astype(np.uint8))
    content = path.read_bytes()
    (tmp_path / name).write_bytes(content if is_packed else gzip.decompress(content))
    assert read_nodules(tmp_path / name).nodules == read_nodules(path).nodules


@pytest.mark.parametrize("stated", ["2", "IJK", "", "LAS"])
def test_a_coordinate_system_that_is_none_of_ours_is_refused_by_file(tmp_path: Path, stated: str) -> None:
    path = tmp_path / "marks.fcsv"
    path.write_text(f"# CoordinateSystem = {stated}\n# columns = id,x,y,z,label,desc\n1,1,2,3,R4,8 mm\n")
    with pytest.raises(UsageError, match=r"^marks.fcsv: expected the coordinate system LPS or RAS, got"):
        read_nodules(path)
