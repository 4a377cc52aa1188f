"""Nodules of SR, SEG and RTSTRUCT: a sphere of known place and size comes back from each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import FileDataset

from nodulus.pipeline.nodules.sources import check_belongs, read_nodules
from nodulus.transforms.geometry import Grid
from nodulus.transforms.problems import InputRefusedError, UsageError
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_objects import (
    COLUMNS,
    N_SLICES,
    ROWS,
    SPACING_MM,
    ct_series,
    lps_of,
    measured,
    write_rtstruct,
    write_seg,
    write_sr,
)
from tests.support.nodule_objects import DIAMETER, drawn_in_space, group, measured_mm, write_report

CENTER_VOXEL = (14.0, 12.0, 7.0)
DIAMETER_MM = 9.0


@pytest.fixture(scope="module")
def ct() -> list[FileDataset]:
    return ct_series()


def sphere_mask(center_voxel: tuple[float, ...] = CENTER_VOXEL, diameter_mm: float = DIAMETER_MM) -> NDArray[np.bool_]:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (COLUMNS, ROWS, N_SLICES)], indexing="ij"), axis=-1)
    away_mm = np.linalg.norm((index - center_voxel) * SPACING_MM, axis=-1)
    return np.asarray(away_mm <= diameter_mm / 2)


def circle(radius_mm: float, height_mm: float = 0.0, n_points: int = 48) -> NDArray[np.float64]:
    """Return LPS points (n, 3) of a circle around the sphere's axis, in the plane of a slice."""
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    offsets = np.stack([radius_mm * np.cos(angles), radius_mm * np.sin(angles), np.full(n_points, height_mm)], axis=1)
    return np.array([lps_of(np.asarray(CENTER_VOXEL) + offset / SPACING_MM) for offset in offsets])


def sphere_contours() -> list[NDArray[np.float64]]:
    heights = np.arange(-3, 4) * SPACING_MM[2]
    radii = np.sqrt(np.maximum((DIAMETER_MM / 2) ** 2 - heights**2, 0))
    return [circle(radius, height) for radius, height in zip(radii, heights, strict=True) if radius > 0.5]


def test_a_segmentation_gives_a_nodule_a_component(ct: list[FileDataset], tmp_path: Path) -> None:
    other = sphere_mask((4, 4, 13), 3.0)
    path = write_seg(
        tmp_path / "seg.dcm", ct, [sphere_mask() | other, sphere_mask((24, 18, 3), 5.0)], ["Nodule", "Second"]
    )
    found = read_nodules(path)
    by_id = {nodule.nodule_id: nodule for nodule in found.nodules}
    assert (found.format, set(by_id)) == ("dicom_seg", {"Nodule.1", "Nodule.2", "Second"})
    nodule = next(n for n in by_id.values() if n.diameter_mm > 6)
    np.testing.assert_allclose(nodule.center_lps_mm, lps_of(CENTER_VOXEL), atol=0.05)
    assert nodule.diameter_mm == pytest.approx(DIAMETER_MM, rel=0.03)
    assert nodule.box_lps_mm is not None
    assert nodule.box_lps_mm[5] - nodule.box_lps_mm[2] == pytest.approx(7 * SPACING_MM[2])
    np.testing.assert_allclose(by_id["Second"].center_lps_mm, lps_of((24, 18, 3)), atol=0.05)
    assert (nodule.series_uid, nodule.frame_of_reference_uid) == (ct[0].SeriesInstanceUID, ct[0].FrameOfReferenceUID)


@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_fractional_and_labelmap_segmentations_are_read(ct: list[FileDataset], tmp_path: Path, kind: str) -> None:
    masks = [sphere_mask(), sphere_mask((4, 4, 13), 4.0)]
    nodules = read_nodules(write_seg(tmp_path / "seg.dcm", ct, masks, ["One", "Two"], kind)).nodules
    assert [nodule.nodule_id for nodule in nodules] == ["One", "Two"]
    np.testing.assert_allclose(nodules[0].center_lps_mm, lps_of(CENTER_VOXEL), atol=0.05)


def test_specks_of_a_segmentation_are_left_out_and_noted(ct: list[FileDataset], tmp_path: Path) -> None:
    mask = sphere_mask()
    mask[1, 1, 1] = True
    found = read_nodules(write_seg(tmp_path / "seg.dcm", ct, [mask], ["Nodule"]))
    assert [nodule.nodule_id for nodule in found.nodules] == ["Nodule"]
    assert found.notes == ("1 of 2 parts of 'Nodule' left out: below 2.5 mm",)


def test_a_report_gives_a_nodule_a_group(ct: list[FileDataset], tmp_path: Path) -> None:
    frame, center = ct[0].FrameOfReferenceUID, lps_of(CENTER_VOXEL)
    ellipse = circle(4.0)[[0, 24, 12, 36]]
    groups = [
        measured("point", "POINT", center[None], frame, 7.5),
        measured("polygon", "POLYGON", np.concatenate([circle(4.0), circle(4.0)[:1]]), frame, None),
        measured("ellipse", "ELLIPSE", ellipse, frame, None),
        measured("caliper", "POLYLINE", circle(3.0)[[0, 24]], frame, None),
    ]
    found = read_nodules(write_sr(tmp_path / "sr.dcm", ct, groups))
    assert found.format == "dicom_sr"
    assert [nodule.nodule_id for nodule in found.nodules] == ["point", "polygon", "ellipse", "caliper"]
    for nodule, diameter_mm in zip(found.nodules, (7.5, 8.0, 8.0, 6.0), strict=True):
        np.testing.assert_allclose(nodule.center_lps_mm, center, atol=1e-3)
        assert nodule.diameter_mm == pytest.approx(diameter_mm, rel=0.01)
        assert (nodule.series_uid, nodule.frame_of_reference_uid) == (ct[0].SeriesInstanceUID, frame)


def test_a_point_without_a_diameter_is_refused_by_its_group(ct: list[FileDataset], tmp_path: Path) -> None:
    group = measured("bare", "POINT", lps_of(CENTER_VOXEL)[None], ct[0].FrameOfReferenceUID, None)
    with pytest.raises(UsageError, match=r"sr\.dcm: expected at least one .*'bare' left out: a point and no diam"):
        read_nodules(write_sr(tmp_path / "sr.dcm", ct, [group]))


def test_two_groups_of_one_name_are_told_apart(ct: list[FileDataset], tmp_path: Path) -> None:
    center, frame = lps_of(CENTER_VOXEL)[None], ct[0].FrameOfReferenceUID
    groups = [measured("n", "POINT", center, frame, 5.0), measured("n", "POINT", center, frame, 6.0)]
    nodules = read_nodules(write_sr(tmp_path / "sr.dcm", ct, groups)).nodules
    assert [nodule.nodule_id for nodule in nodules] == ["n", "n #2"]


def test_a_structure_set_gives_a_nodule_an_roi(ct: list[FileDataset], tmp_path: Path) -> None:
    rois = {"GTV": sphere_contours(), "one slice": [circle(3.0)], "Whole": [circle(250.0)], "empty": []}
    found = read_nodules(write_rtstruct(tmp_path / "rt.dcm", ct[0], rois))
    first, second = found.nodules
    assert found.format == "dicom_rtstruct"
    assert (first.nodule_id, second.nodule_id) == ("GTV", "one slice")
    np.testing.assert_allclose(first.center_lps_mm, lps_of(CENTER_VOXEL), atol=0.01)
    assert first.diameter_mm == pytest.approx(DIAMETER_MM, rel=0.04)
    assert second.diameter_mm == pytest.approx(6.0, rel=0.01)
    assert second.box_lps_mm is None
    assert first.series_uid == ct[0].SeriesInstanceUID
    assert found.notes == (
        "ROI 'Whole' left out: a diameter of 499 mm, more than a nodule has",
        "ROI 'empty' left out: no closed planar contour",
    )


def test_a_structure_set_of_points_has_no_nodule(ct: list[FileDataset], tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "rt.dcm", ct[0], {"mark": [lps_of(CENTER_VOXEL)[None]]}, kind="POINT")
    with pytest.raises(UsageError, match=r"rt\.dcm: expected at least one nodule, got none \(ROI 'mark' left out"):
        read_nodules(path)


def test_a_dicom_object_of_another_scan_is_refused(ct: list[FileDataset], tmp_path: Path) -> None:
    found = read_nodules(write_rtstruct(tmp_path / "rt.dcm", ct[0], {"GTV": sphere_contours()}))
    grid = Grid((1, 1, 1), np.eye(4))

    def scan(**attributes: str) -> CTVolume:
        return CTVolume(grid, lambda a, b: np.zeros((1, 1, b - a), np.float32), "ct", attributes)

    check_belongs(found, scan(series_uid=ct[0].SeriesInstanceUID, frame_of_reference_uid=ct[0].FrameOfReferenceUID))
    check_belongs(found, scan())
    with pytest.raises(InputRefusedError, match="frame_mismatch"):
        check_belongs(found, scan(frame_of_reference_uid="1.2.3"))


@pytest.mark.parametrize("kind", ["SEG", "RTSTRUCT", "SR"])
def test_a_study_tells_whose_marks_are_where_nothing_else_does(
    ct: list[FileDataset], tmp_path: Path, kind: str
) -> None:
    grid, frame_uid = Grid((1, 1, 1), np.eye(4)), str(ct[0].FrameOfReferenceUID)
    path = tmp_path / "marks.dcm"
    if kind == "SEG":
        marks = pydicom.dcmread(write_seg(path, ct, [sphere_mask()], ["R"]))
        del marks.FrameOfReferenceUID, marks.ReferencedSeriesSequence
    elif kind == "RTSTRUCT":
        marks = pydicom.dcmread(write_rtstruct(path, ct[0], {"GTV": sphere_contours()}))
        del marks.StructureSetROISequence[0].ReferencedFrameOfReferenceUID
    else:
        point = group("R", drawn_in_space("POINT", lps_of(CENTER_VOXEL), frame_uid), measured_mm(DIAMETER, 9))
        del point.ContentSequence[1].ReferencedFrameOfReferenceUID
        marks = pydicom.dcmread(write_report(path, ct[0], [point]))
    for study_uid in (str(ct[0].StudyInstanceUID), "1.2.3"):
        marks.StudyInstanceUID = study_uid
        marks.save_as(path)
        scan = CTVolume(grid, lambda a, b: np.zeros((1, 1, b - a), np.float32), "ct", {"study_uid": "1.2.3"})
        if study_uid == "1.2.3":
            check_belongs(read_nodules(path), scan)
        else:
            with pytest.raises(InputRefusedError, match=r"frame_mismatch.*study 1\.2\.3"):
                check_belongs(read_nodules(path), scan)


def test_ras_is_no_choice_for_dicom(ct: list[FileDataset], tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "rt.dcm", ct[0], {"GTV": sphere_contours()})
    assert read_nodules(path, frame="LPS").frame_is == "stated"
    with pytest.raises(UsageError, match="DICOM defines its positions as LPS"):
        read_nodules(path, frame="RAS")


def test_other_dicom_objects_are_refused_by_their_modality(ct: list[FileDataset], tmp_path: Path) -> None:
    ct[0].save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    with pytest.raises(UsageError, match=r"ct\.dcm: expected a DICOM SR, SEG or RTSTRUCT, got modality CT"):
        read_nodules(tmp_path / "ct.dcm")
    (tmp_path / "text.dcm").write_text("no DICOM")
    with pytest.raises(UsageError, match=r"text\.dcm: expected a DICOM SR"):
        read_nodules(tmp_path / "text.dcm")


def test_an_incomplete_object_is_refused_with_what_is_missing(ct: list[FileDataset], tmp_path: Path) -> None:
    path = write_seg(tmp_path / "seg.dcm", ct, [sphere_mask()], ["Nodule"])
    seg = pydicom.dcmread(path)
    del seg.PerFrameFunctionalGroupsSequence
    seg.save_as(path)
    with pytest.raises(UsageError, match=r"seg\.dcm: expected PerFrameFunctionalGroupsSequence, got none"):
        read_nodules(path)
