"""Structured reports: graphic types in all variants seen give centre and diameter within 1 mm, or a named problem."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset

from nodulus.pipeline.nodules.sources import check_belongs, read_nodules
from nodulus.transforms.geometry import Grid
from nodulus.transforms.problems import InputRefusedError, UsageError
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_objects import AXES_LPS, SPACING_MM, ct_series, lps_of
from tests.support.nodule_objects import (
    BIG,
    DIAMETER,
    LENGTH,
    LONG_AXIS,
    SHORT_AXIS,
    SMALL,
    ball_rings,
    drawn_in_space,
    drawn_on_image,
    group,
    item,
    measured_mm,
    ring,
    write_report,
)

CENTER, D = lps_of(BIG[0]), BIG[1]
OTHER = lps_of(SMALL[0])
ALONG, ACROSS = AXES_LPS[:, 0] * D / 2, AXES_LPS[:, 1] * D / 3
LONG, SHORT = [CENTER - ALONG, CENTER + ALONG], [CENTER - ACROSS, CENTER + ACROSS]
SHIFTED = [CENTER + 0.5 - ACROSS, CENTER + 0.5 + ACROSS]
CIRCLE = ring(CENTER, D / 2, 40)
UP = np.array([0, 0, D / 2])


@pytest.fixture(scope="module")
def ct() -> list[FileDataset]:
    return ct_series()


def spatial(*regions: tuple[str, object]) -> list[tuple[str, object]]:
    return list(regions)


ONE_LESION: dict[str, tuple[list[tuple[str, object]], list[tuple[tuple[str, str, str], float]]]] = {
    "point": (spatial(("POINT", CENTER)), [(DIAMETER, D)]),
    "point and length": (spatial(("POINT", CENTER)), [(LENGTH, D)]),
    "point, both axes": (spatial(("POINT", CENTER)), [(SHORT_AXIS, D / 2), (LONG_AXIS, D)]),
    "caliper": (spatial(("POLYLINE", LONG)), []),
    "caliper's ends as points": (spatial(("MULTIPOINT", LONG)), [(LONG_AXIS, D)]),
    "points within": (spatial(("POINT", CENTER + 0.5), ("POINT", CENTER - 0.5)), [(DIAMETER, D)]),
    "bidirectional in one": (spatial(("POLYLINE", [*LONG, *SHORT])), []),
    "short axis first": (spatial(("POLYLINE", [*SHORT, *LONG])), []),
    "bidirectional off its middle": (spatial(("POLYLINE", [*LONG, *SHIFTED])), [(LONG_AXIS, D)]),
    "bidirectional in two": (spatial(("POLYLINE", SHORT), ("POLYLINE", LONG)), [(SHORT_AXIS, 5.0), (LONG_AXIS, D)]),
    "axes as points": (spatial(("MULTIPOINT", [*LONG, *SHORT])), [(LONG_AXIS, D)]),
    "closed polyline": (spatial(("POLYLINE", [*CIRCLE, CIRCLE[0]])), []),
    "freehand left open": (spatial(("POLYLINE", CIRCLE)), []),
    "polygon": (spatial(("POLYGON", [*CIRCLE, CIRCLE[0]])), []),
    "ellipse": (spatial(("ELLIPSE", CIRCLE[[0, 20, 10, 30]])), []),
    "ellipsoid": (spatial(("ELLIPSOID", [*CIRCLE[[0, 20, 10, 30]], CENTER - UP, CENTER + UP])), []),
    "outlines slice by slice": (spatial(*(("POLYGON", one) for one in ball_rings(BIG))), []),
    "outline and caliper": (spatial(("POLYLINE", LONG), ("POLYGON", CIRCLE)), []),
    "outline and its centre": (spatial(("POINT", CENTER), ("POLYGON", CIRCLE)), [(DIAMETER, D)]),
    "point and major axis": (spatial(("POINT", CENTER)), [(("131187009", "SCT", "Major Axis"), D)]),
    "point and 3D diameter": (spatial(("POINT", CENTER)), [(("L0JK", "IBSI", "Maximum 3D Diameter"), D)]),
    "axes through their middle": (spatial(("POLYLINE", [*LONG, CENTER, *SHORT])), []),
    "axes by turns": (spatial(("POLYLINE", [LONG[0], SHORT[0], LONG[1], SHORT[1]])), []),
    "axes there and back": (spatial(("POLYLINE", [*LONG, *SHORT, LONG[0]])), []),
    "line there and back": (spatial(("POLYLINE", [*LONG, CENTER, LONG[0]])), []),
    "outline with a small gap": (spatial(("POLYLINE", CIRCLE[:-1])), []),
    "line through three points": (spatial(("POLYLINE", [LONG[0], CENTER, LONG[1]])), []),
}


@pytest.mark.parametrize("how", ONE_LESION)
@pytest.mark.parametrize("is_on_image", [False, True], ids=["space", "image"])
def test_one_lesion_comes_back_however_it_is_drawn(
    ct: list[FileDataset], tmp_path: Path, how: str, is_on_image: bool
) -> None:
    regions, numbers = ONE_LESION[how]
    if is_on_image and (how in ("ellipsoid", "outlines slice by slice") or "through" in how):
        pytest.skip("no graphic type of an image")
    for n, one in enumerate(ct):
        one.save_as(tmp_path / f"{n}.dcm", enforce_file_format=True)
    drawn = [on_slice(kind, points, ct) if is_on_image else in_space(kind, points, ct) for kind, points in regions]
    path = write_report(tmp_path / "sr.dcm", ct[0], [group("R4", *drawn, *(measured_mm(*one) for one in numbers))])
    nodule = read_nodules(path, scan=tmp_path).nodules[0]
    assert nodule.nodule_id == "R4"
    np.testing.assert_allclose(nodule.center_lps_mm, CENTER, atol=0.5)
    assert nodule.diameter_mm == pytest.approx(D, abs=0.5)
    assert nodule.frame_of_reference_uid == ct[0].FrameOfReferenceUID
    assert not is_on_image or nodule.series_uid == ct[0].SeriesInstanceUID


def in_space(kind: str, points: object, ct: list[FileDataset]) -> Dataset:
    return drawn_in_space(kind, points, ct[0].FrameOfReferenceUID)


def on_slice(kind: str, points: object, ct: list[FileDataset]) -> Dataset:
    """Return the same region in coordinates of the slice that it lies in."""
    image = ct[round(BIG[0][2])]
    offsets = (np.asarray(points).reshape(-1, 3) - image.ImagePositionPatient) @ AXES_LPS
    return drawn_on_image("POLYLINE" if kind == "POLYGON" else kind, offsets[:, :2] / SPACING_MM[:2] + 0.5, image)


def test_a_circle_on_an_image_is_an_outline(ct: list[FileDataset], tmp_path: Path) -> None:
    ct[7].save_as(tmp_path / "7.dcm", enforce_file_format=True)
    circle = drawn_on_image("CIRCLE", [[9.5, 8.5], [9.5 + 5, 8.5]], ct[7])
    nodule = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [group("R", circle)]), scan=tmp_path).nodules[0]
    np.testing.assert_allclose(nodule.center_lps_mm, CENTER, atol=0.05)
    # Pixels of 0.8 x 0.6 mm make it an ellipse.
    assert nodule.diameter_mm == pytest.approx(2 * 5 * np.sqrt(0.8 * 0.6), abs=0.1)


def far_apart(kind: str) -> list[tuple[str, object]]:
    small = ring(OTHER, SMALL[1] / 2, 40)
    caliper = [OTHER - AXES_LPS[:, 0] * SMALL[1] / 2, OTHER + AXES_LPS[:, 0] * SMALL[1] / 2]
    return {
        "polygons": spatial(("POLYGON", CIRCLE), ("POLYGON", small)),
        "closed polylines": spatial(("POLYLINE", [*CIRCLE, CIRCLE[0]]), ("POLYLINE", [*small, small[0]])),
        "calipers": spatial(("POLYLINE", LONG), ("POLYLINE", caliper)),
        "outline and caliper": spatial(("POLYGON", CIRCLE), ("POLYLINE", caliper)),
    }[kind]


@pytest.mark.parametrize("kind", ["polygons", "closed polylines", "calipers", "outline and caliper"])
def test_two_lesions_in_a_group_are_two_nodules(ct: list[FileDataset], tmp_path: Path, kind: str) -> None:
    drawn = [in_space(graphic, points, ct) for graphic, points in far_apart(kind)]
    found = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [group("R", *drawn, measured_mm(DIAMETER, 30))]))
    assert [nodule.nodule_id for nodule in found.nodules] == ["R.1", "R.2"]
    for nodule, center, diameter_mm in zip(found.nodules, (CENTER, OTHER), (D, SMALL[1]), strict=True):
        np.testing.assert_allclose(nodule.center_lps_mm, center, atol=0.1)
        assert nodule.diameter_mm == pytest.approx(diameter_mm, abs=0.1)
    assert "the measured 30.0 mm passed over: 2 parts" in found.notes[0]


CALIPER = [OTHER - AXES_LPS[:, 0] * SMALL[1] / 2, OTHER + AXES_LPS[:, 0] * SMALL[1] / 2]


FAR = [LONG[0] + 40 * AXES_LPS[:, 0], LONG[1] + 40 * AXES_LPS[:, 0]]
BESIDE = [LONG[0] + 25 * AXES_LPS[:, 1], LONG[1] + 25 * AXES_LPS[:, 1]]


@pytest.mark.parametrize(
    ("points", "measured"),
    [
        *(([*LONG, *CALIPER], mm) for mm in (D, SMALL[1])),
        *(([*CALIPER, *LONG], mm) for mm in (None, D)),
        *(([*LONG, *SHORT, *CALIPER], mm) for mm in (None, D)),
        *(([*LONG, *other], mm) for other in (FAR, FAR[::-1], BESIDE, BESIDE[::-1]) for mm in (None, D)),
    ],
)
def test_calipers_of_two_lesions_in_one_line_are_a_named_problem(
    ct: list[FileDataset], tmp_path: Path, points: object, measured: float | None
) -> None:
    numbers = [] if measured is None else [measured_mm(LONG_AXIS, measured)]
    bad, good = group("both", in_space("POLYLINE", points, ct), *numbers), group("good", in_space("POLYLINE", LONG, ct))
    found = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [bad, good]))
    assert [nodule.nodule_id for nodule in found.nodules] == ["good"]
    assert "'both' left out: an open line of" in found.notes[0]


@pytest.mark.parametrize("sides_mm", [(8, 8), (6, 10), (10, 6)])
def test_four_points_around_a_lesion_are_of_it(
    ct: list[FileDataset], tmp_path: Path, sides_mm: tuple[float, float]
) -> None:
    along, across = AXES_LPS[:, 0] * sides_mm[0] / 2, AXES_LPS[:, 1] * sides_mm[1] / 2
    corners = [CENTER - along - across, CENTER + along - across, CENTER + along + across, CENTER - along + across]
    path = write_report(tmp_path / "sr.dcm", ct[0], [group("R", in_space("POLYLINE", corners, ct))])
    nodule = read_nodules(path).nodules[0]
    np.testing.assert_allclose(nodule.center_lps_mm, CENTER, atol=0.01)
    assert nodule.diameter_mm == pytest.approx(np.hypot(*sides_mm))


def test_groups_within_a_group_are_groups_of_their_own(ct: list[FileDataset], tmp_path: Path) -> None:
    inner = [group("A", in_space("POLYLINE", LONG, ct)), group("B", in_space("POLYLINE", CALIPER, ct))]
    found = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [group("all", *inner)]))
    assert [(one.nodule_id, round(one.diameter_mm, 1)) for one in found.nodules] == [("A", D), ("B", SMALL[1])]


@pytest.mark.parametrize("kind", ["POINT", "MULTIPOINT"])
def test_points_of_two_lesions_are_a_named_problem(ct: list[FileDataset], tmp_path: Path, kind: str) -> None:
    points = [[CENTER], [OTHER]] if kind == "POINT" else [[CENTER, OTHER]]
    bad = group("both", *(in_space(kind, one, ct) for one in points), measured_mm(DIAMETER, D))
    good = group("good", in_space("POINT", CENTER, ct), measured_mm(DIAMETER, D))
    found = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [bad, good]))
    assert [nodule.nodule_id for nodule in found.nodules] == ["good"]
    assert (
        "group 'both' left out: expected the points of one lesion of 8.0 mm, got points 11.7 mm apart" in found.notes[0]
    )
    with pytest.raises(UsageError, match="'both' left out"):
        read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [bad]))


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (lambda ct: [in_space("POINT", OTHER, ct)], "a point and no diameter among its measurements"),
        (lambda ct: [in_space("POINT", OTHER, ct), measured_mm(DIAMETER, 0.8)], "in another unit"),
        (lambda ct: [in_space("POINT", OTHER, ct), measured_mm(DIAMETER, 8, "{pixels}")], "no diameter"),
        (lambda ct: [in_space("POINT", OTHER, ct), in_space("POINT", OTHER, ct[1:])], None),
        (
            lambda ct: [in_space("POINT", OTHER[:2], ct), measured_mm(DIAMETER, 8)],
            "expected points of 3 finite numbers",
        ),
        (lambda ct: [drawn_on_image("POINT", [1, 2], ct[0])], "an image that the scan does not hold"),
        (lambda ct: [measured_mm(DIAMETER, 8)], r"no coordinates \(SCOORD3D or SCOORD\)"),
        (lambda ct: [segment_reference(ct)], r"points to a segmentation: give that file \(DICOM SEG\)"),
    ],
)
def test_a_bad_group_is_left_out_and_the_others_are_read(
    ct: list[FileDataset], tmp_path: Path, spoil: object, note: str | None
) -> None:
    good = group("good", in_space("POINT", CENTER, ct), measured_mm(DIAMETER, D))
    path = write_report(tmp_path / "sr.dcm", ct[0], [group("bad", *spoil(ct)), good])  # type: ignore[operator]  # a function
    found = read_nodules(path)
    assert [nodule.nodule_id for nodule in found.nodules] == ["good"]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("measurement group 'bad' left out")
    if note:
        with pytest.raises(UsageError, match=note):
            read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [group("bad", *spoil(ct))]))  # type: ignore[operator]  # as above


def segment_reference(ct: list[FileDataset]) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.3"
    return item("IMAGE", ("121191", "DCM", "Referenced Segment"), ReferencedSOPSequence=[reference])


def test_what_was_drawn_goes_before_a_number_that_contradicts_it(ct: list[FileDataset], tmp_path: Path) -> None:
    drawn = group("R", in_space("POLYLINE", LONG, ct), measured_mm(LONG_AXIS, D / 10))
    found = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [drawn]))
    assert found.nodules[0].diameter_mm == pytest.approx(D)
    assert "the measured 0.8 mm passed over: 8.0 mm were drawn" in found.notes[0]


def test_another_frame_of_reference_is_refused(ct: list[FileDataset], tmp_path: Path) -> None:
    drawn = group("R", drawn_in_space("POINT", CENTER, "1.2.3.4"), measured_mm(DIAMETER, D))
    found = read_nodules(write_report(tmp_path / "sr.dcm", ct[0], [drawn]))
    grid = Grid((1, 1, 1), np.eye(4))
    uid = {"frame_of_reference_uid": str(ct[0].FrameOfReferenceUID)}
    scan = CTVolume(grid, lambda a, b: np.zeros((1, 1, b - a), np.float32), "ct", uid)
    with pytest.raises(InputRefusedError, match="frame_mismatch"):
        check_belongs(found, scan)


@pytest.mark.parametrize(
    ("number", "kind"), [(65, "Chest CAD SR"), (67, "X-Ray Radiation Dose SR"), (11, "Basic Text SR")]
)
def test_another_kind_of_report_is_named(ct: list[FileDataset], tmp_path: Path, number: int, kind: str) -> None:
    path = write_report(tmp_path / "sr.dcm", ct[0], [], f"1.2.840.10008.5.1.4.1.1.88.{number}")
    with pytest.raises(UsageError, match=f"expected a report that follows TID 1500 .* got a {kind}"):
        read_nodules(path)
