"""Broken series: each is refused, or warned of, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import JPEG2000, UID, JPEGLSLossless

from nodulus.transforms.problems import InputRefusedError, Problem, UsageError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_series_writer import Edit, SeriesSpec, linear_hu, set_stored, write_slices

Slices = list[Dataset]


def refusal(path: Path, **options: Any) -> Problem:
    with pytest.raises(InputRefusedError) as caught:
        open_ct(path, **options)
    problem = caught.value.problem
    assert "\n" not in problem.message
    assert len(problem.message) < 400
    return problem


def put(keyword: str, value: Any) -> Edit:
    return lambda ds: setattr(ds, keyword, value)


def drop(keyword: str) -> Edit:
    return lambda ds: delattr(ds, keyword)


def raw(tag: int, vr: str, text: bytes) -> Edit:
    """Return an edit that writes bytes as they are, which pydicom would refuse to."""
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    def edit(ds: Dataset) -> None:
        padded = text + b" " * (len(text) % 2)
        ds[Tag(tag)] = RawDataElement(Tag(tag), vr, len(padded), padded, 0, False, True)

    return edit


BAD_SLICES: dict[str, tuple[Edit, Code]] = {
    "modality": (put("Modality", "MR"), Code.MISSING_SLICES),  # what is no CT is no slice
    "no pixels": (drop("PixelData"), Code.NO_PIXELS),
    "no position": (drop("ImagePositionPatient"), Code.NO_GEOMETRY),
    "no orientation": (drop("ImageOrientationPatient"), Code.NO_GEOMETRY),
    "no spacing": (drop("PixelSpacing"), Code.NO_GEOMETRY),
    "empty position": (put("ImagePositionPatient", None), Code.NO_GEOMETRY),
    "position nan": (raw(0x00200032, "DS", b"nan\\0\\0"), Code.NO_GEOMETRY),
    "position infinite": (raw(0x00200032, "DS", b"0\\0\\1e999"), Code.NO_GEOMETRY),
    "position absurd": (raw(0x00200032, "DS", b"0\\0\\1e300"), Code.NO_GEOMETRY),
    "position of words": (raw(0x00200032, "DS", b"left\\up\\in"), Code.NO_GEOMETRY),
    "position of two": (raw(0x00200032, "DS", b"1\\2"), Code.NO_GEOMETRY),
    "spacing nan": (raw(0x00280030, "DS", b"nan\\1"), Code.NO_GEOMETRY),
    "spacing zero": (put("PixelSpacing", [0, 0.8]), Code.NO_GEOMETRY),
    "spacing negative": (put("PixelSpacing", [1.2, -0.8]), Code.NO_GEOMETRY),
    "orientation infinite": (raw(0x00200037, "DS", b"1\\0\\0\\0\\inf\\0"), Code.NO_GEOMETRY),
    "orientation long": (put("ImageOrientationPatient", [1.1, 0, 0, 0, 1, 0]), Code.NO_GEOMETRY),
    "orientation skew": (put("ImageOrientationPatient", [1, 0, 0, 0.1, 0.995, 0]), Code.NO_GEOMETRY),
    "thickness nan": (raw(0x00180050, "DS", b"nan"), Code.NO_GEOMETRY),
    "frames": (put("NumberOfFrames", 2), Code.NO_GEOMETRY),
    "rows": (put("Rows", 10), Code.INCONSISTENT_SLICES),
    "spacing": (put("PixelSpacing", [1.2, 0.81]), Code.INCONSISTENT_SLICES),
    "spacing swapped": (put("PixelSpacing", [0.8, 1.2]), Code.INCONSISTENT_SLICES),
    "orientation": (put("ImageOrientationPatient", [0.9998, 0.02, 0, -0.02, 0.9998, 0]), Code.INCONSISTENT_SLICES),
    "orientation flipped": (put("ImageOrientationPatient", [-1, 0, 0, 0, 1, 0]), Code.INCONSISTENT_SLICES),
    "frame of reference": (put("FrameOfReferenceUID", "1.2.3"), Code.INCONSISTENT_SLICES),
    "study": (put("StudyInstanceUID", "1.2.3"), Code.INCONSISTENT_SLICES),
    "position aside": (put("ImagePositionPatient", [-5.0, -5.0, 0.0]), Code.INCONSISTENT_SLICES),
    "series": (put("SeriesInstanceUID", "1.2.3"), Code.MISSING_SLICES),
    "no rescale": (drop("RescaleSlope"), Code.NOT_HOUNSFIELD),
    "no intercept": (drop("RescaleIntercept"), Code.NOT_HOUNSFIELD),
    "slope zero": (put("RescaleSlope", 0), Code.NOT_HOUNSFIELD),
    "slope nan": (raw(0x00281053, "DS", b"nan"), Code.NOT_HOUNSFIELD),
    "intercept infinite": (raw(0x00281052, "DS", b"-inf"), Code.NOT_HOUNSFIELD),
    "rescale type": (put("RescaleType", "MGML"), Code.NOT_HOUNSFIELD),
    "eight bits": (put("BitsAllocated", 8), Code.NOT_HOUNSFIELD),
    "too many bits": (put("BitsStored", 20), Code.NOT_HOUNSFIELD),
    "lossy once": (put("LossyImageCompression", "01"), Code.LOSSY),
    "colour": (put("SamplesPerPixel", 3), Code.NOT_CT),
    "no rows": (put("Rows", 0), Code.UNREADABLE),
    "huge": (put("Rows", 65535), Code.UNREADABLE),
    "short pixels": (lambda ds: ds.__setattr__("PixelData", ds.PixelData[:-2]), Code.TRUNCATED),
}


@pytest.mark.parametrize("name", BAD_SLICES)
def test_one_bad_slice_is_refused_by_name(tmp_path: Path, name: str) -> None:
    edit, code = BAD_SLICES[name]
    problem = refusal(write_slices(SeriesSpec(edits={4: edit}).slices(), tmp_path / "series"))
    assert problem.code == code
    assert any("000" in item for item in problem.items)


def test_a_transfer_syntax_that_no_decoder_knows_is_refused(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.compress(JPEGLSLossless)
        ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")
    assert refusal(write_slices(slices, tmp_path / "series")).code == Code.UNREADABLE


@pytest.mark.parametrize(("lost", "missing", "places"), [((4,), 1, 1), ((3, 4), 2, 1), ((2, 5, 6), 3, 2)])
def test_missing_slices_are_counted_and_placed(
    tmp_path: Path, lost: tuple[int, ...], missing: int, places: int
) -> None:
    kept = tuple(float(k) for k in range(9) if k not in lost)
    folder = write_slices(SeriesSpec(positions=kept).slices(), tmp_path / "series")
    problem = refusal(folder)
    assert problem.code == Code.MISSING_SLICES
    assert f"{missing} missing in {places} place(s)" in problem.message
    assert f"{-8.0 + 2.0 * lost[0]:g}" in problem.items[0]


def test_allowed_gaps_keep_slices_in_place_and_are_told(tmp_path: Path) -> None:
    spec = SeriesSpec(positions=(0, 1, 2, 5, 6, 7, 8))
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"), allow=[Code.MISSING_SLICES])
    assert volume.gaps_k == (2,)
    assert volume.gaps_between(0, 7) == (2,)
    assert volume.gaps_between(2, 4) == (2,)
    assert volume.gaps_between(0, 3) == volume.gaps_between(3, 7) == ()
    assert [problem.code for problem in volume.warnings] == [Code.MISSING_SLICES]
    assert volume.grid.spacing_mm[2] == pytest.approx(2.0)
    for index in range(7):
        np.testing.assert_allclose(volume.grid.lps_from_voxel([0, 0, index]), spec.position(index), atol=1e-9)


def test_every_other_slice_lost_is_warned_of_by_thickness(tmp_path: Path) -> None:
    spec = SeriesSpec(positions=(0, 2, 4, 6, 8))
    codes = [problem.code for problem in open_ct(write_slices(spec.slices(), tmp_path / "series")).warnings]
    assert Code.MISSING_SLICES in codes


def test_uneven_spacing_is_refused_and_exact_when_allowed(tmp_path: Path) -> None:
    spec = SeriesSpec(positions=(0, 1, 2.3, 3, 4, 5.4, 6))
    folder = write_slices(spec.slices(), tmp_path / "series")
    assert refusal(folder).code == Code.NONUNIFORM_SPACING
    volume = open_ct(folder, allow=[Code.NONUNIFORM_SPACING])
    assert not volume.grid.is_uniform
    assert [problem.code for problem in volume.warnings] == [Code.NONUNIFORM_SPACING]
    for index in range(7):
        np.testing.assert_allclose(volume.grid.lps_from_voxel([0, 0, index]), spec.position(index), atol=1e-9)


def test_positions_rounded_to_one_decimal_are_accepted_where_they_are(tmp_path: Path) -> None:
    rounded = tuple(round(1.25 * k, 1) for k in range(12))
    spec = SeriesSpec(positions=rounded, step_mm=1.0)
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"))
    assert volume.warnings == ()
    for index in range(12):
        np.testing.assert_allclose(volume.grid.lps_from_voxel([0, 0, index]), spec.position(index), atol=1e-9)


def test_a_tilted_stack_is_refused_and_sheared_when_allowed(tmp_path: Path) -> None:
    spec = SeriesSpec(shear=(0.0, float(np.tan(np.radians(15)))))
    folder = write_slices(spec.slices(), tmp_path / "series")
    problem = refusal(folder)
    assert problem.code == Code.TILTED
    assert "15.00 degrees" in problem.message
    volume = open_ct(folder, allow=[Code.TILTED])
    assert [warning.code for warning in volume.warnings] == [Code.TILTED]
    np.testing.assert_allclose(volume.grid.lps_from_voxel([3, 4, 5]), spec.points(5)[4, 3], atol=1e-6)


def test_two_series_in_one_frame_are_never_mixed_and_the_longer_is_read(tmp_path: Path) -> None:
    long, short = (
        SeriesSpec(),
        SeriesSpec(series_uid="1.2.826.9", positions=tuple(range(6)), step_mm=2.5, thickness_mm=2.5),
    )
    folder = write_slices([*short.slices(), *long.slices()], tmp_path / "series")
    volume = open_ct(folder)
    assert volume.attributes["series_uid"] == long.series_uid
    assert [problem.code for problem in volume.warnings] == [Code.MIXED_SERIES]
    assert "1.2.826.9: 6 slices" in " ".join(volume.warnings[0].items)
    asked = open_ct(folder, series_uid="1.2.826.9")
    assert (asked.grid.size_xyz[2], asked.warnings) == (6, ())
    assert refusal(folder, series_uid="1.2.3").code == Code.UNREADABLE


def test_two_series_in_two_frames_must_be_named(tmp_path: Path) -> None:
    other = SeriesSpec(series_uid="1.2.826.9", frame_of_reference_uid="1.2.826.10")
    folder = write_slices([*SeriesSpec().slices(), *other.slices()], tmp_path / "series")
    assert refusal(folder).code == Code.MIXED_SERIES
    assert open_ct(folder, series_uid="1.2.826.9").grid.size_xyz[2] == 9
    assert open_ct(folder, allow=[Code.MIXED_SERIES]).grid.size_xyz[2] == 9


@pytest.mark.parametrize("is_labelled", [True, False])
def test_a_localizer_inside_the_series_is_set_aside(tmp_path: Path, is_labelled: bool) -> None:
    slices = SeriesSpec().slices()
    localizer = SeriesSpec(row=(1, 0, 0), column=(0, 0, -1), positions=(0,), rows=30, thickness_mm=None).slices()[0]
    if is_labelled:
        localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    volume = open_ct(write_slices([localizer, *slices], tmp_path / "series"))
    assert volume.grid.size_xyz[2] == 9
    assert [(problem.code, len(problem.items)) for problem in volume.warnings] == [(Code.LOCALIZER, 1)]


def test_a_screen_capture_filed_under_the_series_is_set_aside(tmp_path: Path) -> None:
    capture = SeriesSpec(positions=(0,)).slices()[0]
    capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    volume = open_ct(write_slices([*SeriesSpec().slices(), capture], tmp_path / "series"))
    assert [problem.code for problem in volume.warnings] == [Code.NOT_CT]


@pytest.mark.parametrize("which", [0, 4, 8])
def test_a_slice_that_lost_its_class_and_its_series_is_not_lost_without_a_word(tmp_path: Path, which: int) -> None:
    slices = SeriesSpec().slices()
    slices[which].SOPClassUID = UID("0.5")
    slices[which].SeriesInstanceUID = ""
    folder = write_slices(slices, tmp_path / "series")
    if which in (0, 8):  # inside, its gap is seen
        warnings = open_ct(folder, allow=[Code.NOT_HOUNSFIELD]).warnings
        assert (warnings[0].code, warnings[0].items[0][:8]) == (Code.NOT_CT, f"000{which}.dcm")
    else:
        assert refusal(folder).code == Code.MISSING_SLICES


def test_copies_of_slices_are_dropped_with_a_warning(tmp_path: Path) -> None:
    spec = SeriesSpec(order=(0, 1, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8))
    volume = open_ct(write_slices(spec.slices(), tmp_path / "series"))
    assert volume.grid.size_xyz[2] == 9
    assert [(problem.code, len(problem.items)) for problem in volume.warnings] == [(Code.DUPLICATE_SLICES, 3)]


def twice(change: Callable[[int, Dataset], None]) -> Slices:
    """Return a stack and a second one, 100 HU brighter, at the same positions."""
    first = SeriesSpec().slices()
    second = replace(SeriesSpec(), field_hu=lambda points: linear_hu(points) + 100).slices()
    for number, stack in enumerate((first, second)):
        for ds in stack:
            change(number, ds)
    return [ds for pair in zip(second, first, strict=True) for ds in pair]


def test_different_images_at_one_position_are_refused(tmp_path: Path) -> None:
    problem = refusal(write_slices(twice(lambda number, ds: None), tmp_path / "series"))
    assert problem.code == Code.DUPLICATE_SLICES
    assert len(problem.items) == 18


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "TemporalPositionIdentifier"])
def test_numbers_that_separate_stacks_in_time_pick_the_first(tmp_path: Path, keyword: str) -> None:
    slices = twice(lambda number, ds: setattr(ds, keyword, number + 1))
    volume = open_ct(write_slices(slices, tmp_path / "series"))
    assert [problem.code for problem in volume.warnings] == [Code.DUPLICATE_SLICES]
    np.testing.assert_allclose(volume.read_slab(0, 1)[:, :, 0], linear_hu(SeriesSpec().points(0)).T, atol=0.51)


def test_acquisitions_that_follow_each_other_are_one_volume(tmp_path: Path) -> None:
    edits = {index: put("AcquisitionNumber", 1 + index // 5) for index in range(9)}
    volume = open_ct(write_slices(SeriesSpec(edits=edits).slices(), tmp_path / "series"))
    assert (volume.grid.size_xyz[2], volume.warnings) == (9, ())


@pytest.mark.parametrize(("thickness", "warns", "refuses"), [(3.0, 0, 0), (3.5, 1, 0), (5.0, 1, 0), (5.5, 1, 1)])
def test_thick_slices_are_warned_of_and_refused(tmp_path: Path, thickness: float, warns: int, refuses: int) -> None:
    folder = write_slices(SeriesSpec(thickness_mm=thickness).slices(), tmp_path / "series")
    if refuses:
        assert refusal(folder).code == Code.THICK_SLICES
    allow = [Code.THICK_SLICES] if refuses else []
    assert [problem.code for problem in open_ct(folder, allow=allow).warnings] == [Code.THICK_SLICES] * warns


def test_wide_steps_count_as_thick(tmp_path: Path) -> None:
    spec = SeriesSpec(step_mm=6.0, thickness_mm=1.0, positions=tuple(range(5)))
    assert refusal(write_slices(spec.slices(), tmp_path / "series")).code == Code.THICK_SLICES


def test_two_slices_are_too_few(tmp_path: Path) -> None:
    assert refusal(write_slices(SeriesSpec(positions=(0, 1)).slices(), tmp_path / "series")).code == Code.TOO_FEW_SLICES


def test_a_scan_that_shows_no_air_is_not_in_hounsfield_units(tmp_path: Path) -> None:
    spec = SeriesSpec(field_hu=lambda points: linear_hu(points) + 1024)
    folder = write_slices(spec.slices(), tmp_path / "series")
    assert refusal(folder).code == Code.NOT_HOUNSFIELD
    volume = open_ct(folder, allow=["not_hounsfield"], expect_lung=False)
    assert [problem.code for problem in volume.warnings] == [Code.NOT_HOUNSFIELD]


def test_wrapped_negative_numbers_are_refused(tmp_path: Path) -> None:
    def wrap(ds: Dataset) -> None:
        set_stored(ds, np.full(ds.Rows * ds.Columns, 65531))
        ds.RescaleIntercept = "0"

    folder = write_slices(SeriesSpec(edits={4: wrap}).slices(), tmp_path / "series")
    assert refusal(folder, allow=["not_hounsfield"]).code == Code.NOT_HOUNSFIELD


def test_lossy_pixels_are_refused_and_warned_of_when_allowed(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.LossyImageCompression = "01"
    folder = write_slices(slices, tmp_path / "series")
    assert refusal(folder).code == Code.LOSSY
    assert [problem.code for problem in open_ct(folder, allow=[Code.LOSSY]).warnings] == [Code.LOSSY]


def test_slice_location_that_contradicts_the_positions_is_warned_of(tmp_path: Path) -> None:
    edits = {index: put("SliceLocation", 2.0 * index if index else 18.0) for index in range(9)}
    volume = open_ct(write_slices(SeriesSpec(edits=edits).slices(), tmp_path / "series"))
    assert [problem.code for problem in volume.warnings] == [Code.INCONSISTENT_SLICES]


@pytest.mark.parametrize("kept", [0, 40, 200, 700])
def test_a_file_cut_short_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    folder = write_slices(SeriesSpec().slices(), tmp_path / "series")
    path = folder / "0004.dcm"
    path.write_bytes(path.read_bytes()[:kept])
    problem = refusal(folder)
    assert problem.code == Code.TRUNCATED
    assert "0004.dcm" in problem.items[0]


@pytest.mark.parametrize("part", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("compressed", [False, True])
def test_pixels_cut_short_are_refused_before_scoring(tmp_path: Path, part: float, compressed: bool) -> None:
    slices = SeriesSpec(columns=64, rows=64).slices()
    if compressed:
        for ds in slices:
            ds.compress(JPEGLSLossless)
    folder = write_slices(slices, tmp_path / "series")
    path = folder / "0004.dcm"
    data = path.read_bytes()
    start = data.index(b"\xe0\x7f\x10\x00")
    path.write_bytes(data[: start + int((len(data) - start - 8) * part)])
    problem = refusal(folder)
    assert problem.code == Code.TRUNCATED
    assert "0004.dcm" in problem.items[0]


def test_a_codestream_without_its_end_is_refused_when_it_is_decoded(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate, generate_fragments

    slices = SeriesSpec(columns=64, rows=64, is_signed=True).slices()
    for ds in slices:
        ds.compress(JPEGLSLossless)
    _, stream = list(generate_fragments(slices[1].PixelData))
    slices[1].PixelData = encapsulate([stream[: len(stream) // 2]])
    volume = open_ct(write_slices(slices, tmp_path / "series"), expect_lung=False)
    volume.read_slab(2, 5)
    with pytest.raises(InputRefusedError, match=r"truncated: .*0001\.dcm"):
        volume.read_slab(0, 3)


def noise(n: int) -> NDArray[np.uint8]:
    return np.random.default_rng(n).integers(0, 256, n, dtype=np.uint8)


@pytest.mark.parametrize(
    "content", [b"", b"hello, this is no scan", noise(5000).tobytes(), bytes(128) + b"DICM" + noise(3000).tobytes()]
)
def test_a_file_that_is_no_scan_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("scan", "scan.dcm", "scan.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        assert refusal(path).code in (Code.UNREADABLE, Code.TRUNCATED)


def test_places_without_a_scan_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        open_ct(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no_such_code"):
        open_ct(tmp_path, allow=["no_such_code"])
    assert "no files" in refusal(tmp_path).message
    (tmp_path / "scan.nii.gz").write_bytes(b"x")
    assert "pass the file itself: scan.nii.gz" in refusal(tmp_path).message


def test_a_folder_of_magnetic_resonance_is_not_ct(tmp_path: Path) -> None:
    edits = {index: put("Modality", "MR") for index in range(9)}
    problem = refusal(write_slices(SeriesSpec(edits=edits).slices(), tmp_path / "series"))
    assert problem.code == Code.NOT_CT
    assert "MR" in problem.message


def test_lossy_transfer_syntax_is_refused(tmp_path: Path) -> None:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.compress(JPEGLSLossless)
        ds.file_meta.TransferSyntaxUID = JPEG2000
    assert refusal(write_slices(slices, tmp_path / "series")).code == Code.LOSSY


def test_dicomdir_stands_for_its_folder_and_its_paths_are_not_followed(tmp_path: Path) -> None:
    folder = write_slices(SeriesSpec().slices(), tmp_path / "series")
    ds = Dataset()
    ds.file_meta = SeriesSpec().slices()[0].file_meta
    ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    record = Dataset()
    raw(0x00041500, "CS", b"..\\..\\secret")(record)
    ds.DirectoryRecordSequence = [record]
    ds.save_as(folder / "DICOMDIR", enforce_file_format=True)
    assert open_ct(folder).grid.size_xyz[2] == 9
    assert open_ct(folder / "DICOMDIR").grid.size_xyz[2] == 9
