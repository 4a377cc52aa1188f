"""Whatever holds several parts gives several nodules: structure sets and segmentations in all variants seen."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset

from nodulus.pipeline.nodules.outlines import Outline, parts_of_outlines
from nodulus.pipeline.nodules.sources import NoduleSet, read_nodules
from nodulus.transforms.problems import UsageError
from tests.support.dicom_objects import SPACING_MM, ct_series, lps_of, write_seg
from tests.support.nodule_objects import BIG, SMALL, ball_mask, ball_rings, ring, write_rois

Ball = tuple[tuple[float, ...], float]


@pytest.fixture(scope="module")
def ct() -> list[FileDataset]:
    return ct_series()


def assert_balls(found: NoduleSet, expected: dict[str, Ball], atol_mm: float = 0.6) -> None:
    assert [nodule.nodule_id for nodule in found.nodules] == list(expected)
    for nodule, (center, diameter_mm) in zip(found.nodules, expected.values(), strict=True):
        np.testing.assert_allclose(nodule.center_lps_mm, lps_of(center), atol=atol_mm)
        assert nodule.diameter_mm == pytest.approx(diameter_mm, abs=atol_mm)


BIG_RINGS, SMALL_RINGS = ball_rings(BIG), ball_rings(SMALL)
HIGHER: Ball = ((9.0, 8.0, 14.0), 5.0)
FAR_SPECK = ring(lps_of((26, 3, 2)), 0.6, 4)


@pytest.mark.parametrize(
    ("contours", "expected", "note"),
    [
        (BIG_RINGS, {"R": BIG}, ""),
        (BIG_RINGS + SMALL_RINGS, {"R.1": BIG, "R.2": SMALL}, ""),
        (SMALL_RINGS[::-1] + BIG_RINGS, {"R.1": BIG, "R.2": SMALL}, ""),
        (BIG_RINGS + ball_rings(HIGHER), {"R.1": BIG, "R.2": HIGHER}, ""),
        ([*BIG_RINGS, FAR_SPECK], {"R": BIG}, "1 of 2 parts of 'R' left out: below 2.5 mm"),
        ([*BIG_RINGS, *SMALL_RINGS, FAR_SPECK], {"R.1": BIG, "R.2": SMALL}, "1 of 3 parts of 'R' left out"),
        (BIG_RINGS * 2, {"R": BIG}, ""),
        (BIG_RINGS + [one[::-1] for one in BIG_RINGS], {"R": BIG}, ""),
        (BIG_RINGS + [np.roll(one, 7, axis=0) for one in BIG_RINGS], {"R": BIG}, ""),
        (BIG_RINGS + ball_rings(BIG, 0.96), {"R": BIG}, ""),
        ([np.concatenate([one, one]) for one in BIG_RINGS], {"R": BIG}, ""),
        ([one for n, one in enumerate(BIG_RINGS) if n != 2], {"R": BIG}, ""),
    ],
    ids=[
        "one",
        "two",
        "reversed",
        "above",
        "speck",
        "two_and_speck",
        "twice",
        "backwards",
        "shifted",
        "redrawn",
        "round_twice",
        "slice_missed",
    ],
)
def test_an_roi_gives_a_nodule_a_part(
    ct: list[FileDataset], tmp_path: Path, contours: list[np.ndarray], expected: dict[str, Ball], note: str
) -> None:
    found = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], {"R": contours}))
    assert_balls(found, expected)
    assert note in " ".join(found.notes)
    assert bool(found.notes) == bool(note)


INNER = 0.6
SHELL_MM = BIG[1] * (1 - INNER**3) ** (1 / 3)


def keyholed(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    return np.concatenate([outer, outer[:1], inner, inner[:1]])


def holed(how: str) -> tuple[list[np.ndarray], str]:
    inner = ball_rings(BIG, INNER)
    if how == "ring":
        return BIG_RINGS + inner, "CLOSED_PLANAR"
    if how == "xor":
        return inner + BIG_RINGS, "CLOSEDPLANAR_XOR"
    by_height = {round(float(one[:, 2].mean()), 3): one for one in inner}
    direction = -1 if how == "keyhole_back" else 1
    cut = [
        keyholed(one, by_height[z][::direction]) if (z := round(float(one[:, 2].mean()), 3)) in by_height else one
        for one in BIG_RINGS
    ]
    return cut, "CLOSED_PLANAR"


@pytest.mark.parametrize("how", ["ring", "xor", "keyhole", "keyhole_back"])
def test_a_hole_is_taken_off(ct: list[FileDataset], tmp_path: Path, how: str) -> None:
    contours, kind = holed(how)
    nodule = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], {"R": contours}, kind=kind)).nodules[0]
    assert nodule.diameter_mm == pytest.approx(SHELL_MM, abs=0.2)
    np.testing.assert_allclose(nodule.center_lps_mm, lps_of(BIG[0]), atol=0.1)


@pytest.mark.parametrize("role", ["ORGAN", "EXTERNAL", "PTV", "CTV", "AVOIDANCE", "DOSE_REGION", "MARKER"])
def test_an_roi_of_another_role_is_left_out(ct: list[FileDataset], tmp_path: Path, role: str) -> None:
    rois = {"R": BIG_RINGS, "other": SMALL_RINGS}
    found = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], rois, {"other": role}))
    assert_balls(found, {"R": BIG})
    assert found.notes == (f"ROI 'other' left out: its type is {role}",)


@pytest.mark.parametrize(
    "name",
    ["Heart", "Lung_L", "SpinalCord", "BODY", "vertebrae_T4", "left lung", "lung_upper_lobe_left", "Corazón", "Lunge"],
)
def test_anatomy_is_told_by_its_name(ct: list[FileDataset], tmp_path: Path, name: str) -> None:
    rois = {"nodule in left lung": BIG_RINGS, name: SMALL_RINGS}
    found = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], rois, dict.fromkeys(rois, "")))
    assert_balls(found, {"nodule in left lung": BIG})
    assert f"'{name}' left out: it is named as anatomy" in found.notes[0]
    seg = write_seg(tmp_path / "seg.dcm", ct, [ball_mask(BIG), ball_mask(SMALL)], ["R1", name])
    assert_balls(read_nodules(seg), {"R1": BIG})


@pytest.mark.parametrize("kind", ["", "NONE"])
@pytest.mark.parametrize(
    "name",
    ["PTV", "PTV_60Gy", "CTV1", "ptv tumor", "ITV", "Dose 95%", "Isodose_50", "NS_Ring", "OAR", "avoid", "Marker2"],
)
def test_a_structure_of_a_plan_is_told_by_its_name(ct: list[FileDataset], tmp_path: Path, name: str, kind: str) -> None:
    rois = {"iGTV": BIG_RINGS, name: SMALL_RINGS}
    found = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], rois, dict.fromkeys(rois, kind)))
    assert_balls(found, {"iGTV": BIG})
    assert f"'{name}' left out: it is named as a structure of a plan" in found.notes[0]


@pytest.mark.parametrize("name", ["isolated nodule", "ring enhancing lesion", "optical tumour", "iGTV_ring"])
def test_a_lesion_that_is_called_nearly_so_is_read(ct: list[FileDataset], tmp_path: Path, name: str) -> None:
    found = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], {name: BIG_RINGS}, {name: ""}))
    assert_balls(found, {name: BIG})


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR", ""])
def test_contours_that_enclose_nothing_are_left_out_with_a_note(
    ct: list[FileDataset], tmp_path: Path, kind: str
) -> None:
    rt = pydicom.dcmread(write_rois(tmp_path / "rt.dcm", ct[0], {"R": [*BIG_RINGS, *SMALL_RINGS]}))
    for contour in rt.ROIContourSequence[0].ContourSequence[len(BIG_RINGS) :]:
        contour.ContourGeometricType = kind
    rt.save_as(tmp_path / "mixed.dcm")
    found = read_nodules(tmp_path / "mixed.dcm")
    assert_balls(found, {"R": BIG})
    n, n_all = len(SMALL_RINGS), len(BIG_RINGS) + len(SMALL_RINGS)
    assert found.notes == (f"ROI 'R': {n} of {n_all} contours left out: of type {kind or 'none'}, not CLOSED_PLANAR",)


@pytest.mark.parametrize("data", [None, ["1", "2", "3"], ["1", "2", "3", "4"], ["1", "2"] * 5])
def test_a_malformed_contour_is_left_out_with_a_note(ct: list[FileDataset], tmp_path: Path, data: object) -> None:
    found = read_nodules(write_rois(tmp_path / "rt.dcm", ct[0], {"R": BIG_RINGS}, extra=[data]))
    assert_balls(found, {"R": BIG})
    assert "1 of 6 contours left out" in found.notes[0]


@settings(max_examples=25, deadline=None)
@given(
    gap_mm=st.floats(2.0, 60.0),
    angle=st.floats(0, 6.28),
    sizes=st.tuples(st.floats(4.0, 20.0), st.floats(4.0, 20.0)),
    step_mm=st.sampled_from([0.7, 1.25, 2.5]),
    seed=st.integers(0, 100),
)
def test_two_balls_are_two_parts_wherever_they_lie(
    gap_mm: float, angle: float, sizes: tuple[float, float], step_mm: float, seed: int
) -> None:
    apart_mm = sum(sizes) / 2 + gap_mm
    centers = [np.array([5.0, -3.0, 0.0]), np.array([5 + apart_mm * np.cos(angle), -3 + apart_mm * np.sin(angle), 0.0])]
    outlines = []
    for center, size in zip(centers, sizes, strict=True):
        for height in np.arange(-20 * step_mm, 20.5 * step_mm, step_mm):
            if size**2 / 4 - height**2 > 0.1:
                points = ring(center + np.array([0, 0, height]), float(np.sqrt(size**2 / 4 - height**2)))
                outlines.append(Outline(points))
    random.Random(seed).shuffle(outlines)
    shapes, notes = parts_of_outlines(outlines)
    assert (len(shapes), notes) == (2, [])
    by_x = sorted(shapes, key=lambda one: float(np.linalg.norm(np.subtract(one.center_lps_mm, centers[0]))))
    for shape, center, size in zip(by_x, centers, sizes, strict=True):
        np.testing.assert_allclose(shape.center_lps_mm, center, atol=0.5)
        assert shape.diameter_mm == pytest.approx(size, abs=1.0)


def spoiled(path: Path, how: str) -> Path:
    """Return a segmentation with its frames or its stated spacing changed; its voxels stay where they are."""
    seg = pydicom.dcmread(path)
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    stated = {"half": 0.5, "double": 2.0, "negative": -1.0, "zero": 0.0}
    if how in stated:
        measures.SpacingBetweenSlices = SPACING_MM[2] * stated[how]
    elif how == "absent":
        del measures.SpacingBetweenSlices
    elif how == "neither":
        del measures.SpacingBetweenSlices, measures.SliceThickness
    elif how == "thick":
        measures.SliceThickness = 9.0
    else:
        order = list(range(len(seg.PerFrameFunctionalGroupsSequence)))
        order = {"reversed": order[::-1], "repeated": order + order[1:3]}.get(how) or random.Random(3).sample(
            order, len(order)
        )
        frames = [np.packbits(seg.pixel_array[n].ravel(), bitorder="little").tobytes() for n in order]
        seg.PerFrameFunctionalGroupsSequence = [seg.PerFrameFunctionalGroupsSequence[n] for n in order]
        seg.NumberOfFrames, seg.PixelData = len(order), b"".join(frames)
    seg.save_as(path)
    return path


@pytest.mark.parametrize(
    "how", ["half", "double", "negative", "zero", "absent", "neither", "thick", "reversed", "shuffled", "repeated"]
)
def test_frame_positions_go_before_what_is_stated(ct: list[FileDataset], tmp_path: Path, how: str) -> None:
    path = spoiled(write_seg(tmp_path / "seg.dcm", ct, [ball_mask(BIG) | ball_mask(SMALL)], ["R"]), how)
    assert_balls(read_nodules(path), {"R.1": BIG, "R.2": SMALL})


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_segments_with_several_parts_and_specks(ct: list[FileDataset], tmp_path: Path, kind: str) -> None:
    speck = ball_mask(BIG)
    speck[27, 2, 1] = True
    masks = [speck, ball_mask(SMALL) | ball_mask(HIGHER)]
    found = read_nodules(write_seg(tmp_path / "seg.dcm", ct, masks, ["A", "B"], kind))
    assert_balls(found, {"A": BIG, "B.1": SMALL, "B.2": HIGHER})
    assert found.notes == ("1 of 2 parts of 'A' left out: below 2.5 mm",)


def test_an_anatomical_category_is_left_out(ct: list[FileDataset], tmp_path: Path) -> None:
    path = write_seg(tmp_path / "seg.dcm", ct, [ball_mask(BIG), ball_mask(SMALL)], ["A", "B"])
    seg = pydicom.dcmread(path)
    seg.SegmentSequence[1].SegmentedPropertyCategoryCodeSequence[0].CodeValue = "123037004"
    seg.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Airway structure"
    seg.save_as(path)
    found = read_nodules(path)
    assert_balls(found, {"A": BIG})
    assert found.notes == ("segment 'B' left out: its category is anatomical structure",)


def test_a_category_that_nobody_chose_tells_nothing(ct: list[FileDataset], tmp_path: Path) -> None:
    seg = pydicom.dcmread(write_seg(tmp_path / "seg.dcm", ct, [ball_mask(BIG)], ["Segment_1"]))
    for what in ("Category", "Type"):  # as Slicer writes them
        code = seg.SegmentSequence[0][f"SegmentedProperty{what}CodeSequence"][0]
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "85756007", "SCT", "Tissue"
    seg.save_as(tmp_path / "slicer.dcm")
    assert_balls(read_nodules(tmp_path / "slicer.dcm"), {"Segment_1": BIG})


def test_a_segment_that_is_empty_is_named(ct: list[FileDataset], tmp_path: Path) -> None:
    empty = np.zeros_like(ball_mask(BIG))
    found = read_nodules(write_seg(tmp_path / "seg.dcm", ct, [ball_mask(BIG), empty], ["A", "B"]))
    assert found.notes == ("segment 'B' left out: no voxel of it is set",)


def test_ends_too_far_apart_to_hold_are_named(ct: list[FileDataset], tmp_path: Path) -> None:
    path = write_seg(tmp_path / "seg.dcm", ct, [ball_mask(BIG)], ["A"])
    seg = pydicom.dcmread(path)
    position = seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    position.ImagePositionPatient = [1e6, 1e6, float(position.ImagePositionPatient[2])]
    seg.save_as(path)
    with pytest.raises(UsageError, match=r"segment 'A' left out: expected at most \d+ voxels between its ends"):
        read_nodules(path)
