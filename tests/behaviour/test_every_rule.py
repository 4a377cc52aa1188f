"""Each rule of the gate's page, broken once: that very rule speaks, by refusing or by a warning."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEGLSLossless

from nodulus.transforms.gate import image_rules, mask_rules, place_rules, series_rules, value_rules, verdict
from nodulus.transforms.gate.image_rules import IMAGE_RULES
from nodulus.transforms.gate.mask_rules import MASK_RULES
from nodulus.transforms.gate.rule import GateRule, Limit
from nodulus.transforms.gate.series_rules import SERIES_RULES
from nodulus.transforms.images.label_mask import open_label_mask
from nodulus.transforms.problems import InputRefusedError, Problem
from nodulus.transforms.scan.open import open_ct
from tests.behaviour.test_series_gate import drop, put, twice
from tests.behaviour.test_stacks_in_a_series import stack
from tests.support.dicom_series_writer import (
    Edit,
    SeriesSpec,
    linear_hu,
    set_stored,
    write_slice,
    write_slices,
    zip_folder,
)
from tests.support.image_phantom import edit_text, phantom_affine_lps, phantom_hu, write_itk, write_nifti
from tests.support.moving_chest import chest_hu

Build = Callable[[Path, pytest.MonkeyPatch], Path]
Slices = list[Dataset]
Field = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def name_of(rule: GateRule) -> str:
    modules = (place_rules, series_rules, value_rules, image_rules, mask_rules)
    return next(name for module in modules for name, value in vars(module).items() if value is rule)


def limited(rule: GateRule, limit: Limit, build: Build, name: str = "at_most") -> Build:
    """Return what builds a place while a rule's limit is another: it must be the field that decides."""

    def built(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setitem(rule.limits, name, limit)
        return build(folder, monkeypatch)

    return built


def series(make: Callable[[], Slices], syntax: str | None = None) -> Build:
    return lambda folder, _: write_slices(make(), folder / "series", *([syntax] if syntax else []))


def edited(edit: Edit, which: Iterable[int] = range(9), **spec: Any) -> Build:
    return series(lambda: SeriesSpec(edits=dict.fromkeys(which, edit), **spec).slices())


def specified(**spec: Any) -> Build:
    return edited(lambda ds: None, (), **spec)


def showing(field: Field, **spec: Any) -> Build:
    """Return what builds a series of another field, HU of HU."""
    return specified(field_hu=lambda points: field(linear_hu(points)), **spec)


def changed(change: Callable[[Path], object]) -> Build:
    """Return what builds a sound series and changes its folder."""

    def built(folder: Path, _: pytest.MonkeyPatch) -> Path:
        place = write_slices(SeriesSpec().slices(), folder / "series")
        change(place)
        return place

    return built


def zipped(change: Callable[[zipfile.ZipFile], object]) -> Build:
    def built(folder: Path, _: pytest.MonkeyPatch) -> Path:
        path = zip_folder(write_slices(SeriesSpec().slices(), folder / "series"), folder / "scan.zip")
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            change(archive)
        return path

    return built


def empty_folder(folder: Path, _: pytest.MonkeyPatch) -> Path:
    return folder


def deep_folder(folder: Path, _: pytest.MonkeyPatch) -> Path:
    (folder / "/".join("d" * 40)).mkdir(parents=True)
    return folder


def sparse_file(place: Path) -> None:
    with (place / "0004.dcm").open("r+b") as stream:
        stream.truncate(5 << 30)  # takes no place on the disk


def twice_an_element(place: Path) -> None:
    path = place / "0004.dcm"
    data = path.read_bytes()
    at = data.index(b"\x18\x00\x50\x00DS")
    end = data.index(b"\x20\x00", at)
    path.write_bytes(data[:end] + data[at:end] + data[end:])


def cut_short(place: Path) -> None:
    path = place / "0004.dcm"
    path.write_bytes(path.read_bytes()[:-100])


def damaged_report(place: Path) -> None:
    ds = SeriesSpec().slices()[0]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.88.11")
    ds.Modality, ds.SeriesInstanceUID = "SR", "1.2.3"
    write_slice(ds, place / "report.dcm")
    (place / "report.dcm").write_bytes((place / "report.dcm").read_bytes()[:400])


def doubled(ds: Dataset) -> None:
    set_stored(ds, np.frombuffer(ds.PixelData, "<u2").astype(np.int64) * 2)


def unknown_syntax() -> Slices:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.compress(JPEGLSLossless)
        ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")
    return slices


def other_bits() -> Slices:
    slices = SeriesSpec().slices()
    for ds in slices:
        ds.BitsStored, ds.HighBit = 12, 11
        ds.compress(JPEGLSLossless)
        ds.BitsStored, ds.HighBit = 14, 13
    return slices


def zeros() -> Slices:
    (ds,) = SeriesSpec(positions=(0,)).slices()
    ds.PixelData = bytes(1 << 20)
    return [ds]


def capture() -> Dataset:
    (ds,) = SeriesSpec(positions=(0,)).slices()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    return ds


def page() -> Dataset:
    (ds,) = SeriesSpec(positions=(0,)).slices()
    ds.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    del ds.ImagePositionPatient
    return ds


def localizer() -> Dataset:
    return SeriesSpec(row=(1, 0, 0), column=(0, 0, -1), positions=(0,), rows=30, thickness_mm=None).slices()[0]


def uneven_stacks() -> Slices:
    slices = [*stack(0, -8, AcquisitionNumber=1), *stack(100, -7, AcquisitionNumber=2)]
    return slices[:4] + slices[5:]


def two_kernels() -> Slices:
    slices = SeriesSpec().slices()
    for number, ds in enumerate(slices):
        ds.ConvolutionKernel = "B30f" if number < 5 else "B70f"
    return slices


def few_bits(ds: Dataset) -> None:
    ds.BitsStored, ds.HighBit = 9, 8


def wrapped(ds: Dataset) -> None:
    set_stored(ds, np.full(ds.Rows * ds.Columns, 65531))
    ds.RescaleIntercept = "0"


def without_lung(hu: NDArray[Any]) -> NDArray[Any]:
    return np.where(hu < -300, -980 + hu // 100, hu)


LOCALIZERS = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
SMALL = Limit(0.001, "MiB")
SERIES_BREAKERS: dict[GateRule, Build] = {
    place_rules.READABLE: empty_folder,
    place_rules.FOLDER_FILES: limited(place_rules.FOLDER_FILES, Limit(5, "files"), specified()),
    place_rules.FOLDER_DEPTH: deep_folder,
    place_rules.ARCHIVE_NAMES: zipped(lambda archive: archive.writestr("../escape.dcm", b"x")),
    place_rules.ARCHIVE_NESTED: zipped(lambda archive: archive.writestr("inner.zip", b"PK\3\4")),
    place_rules.ARCHIVE_FILES: limited(place_rules.ARCHIVE_FILES, Limit(5, "files"), zipped(lambda archive: None)),
    place_rules.ARCHIVE_SIZE: limited(place_rules.ARCHIVE_SIZE, Limit(1e-6, "GiB"), zipped(lambda archive: None)),
    place_rules.ARCHIVE_RATIO: limited(
        place_rules.INFLATES_FAIRLY,
        Limit(20, ": 1"),
        limited(
            place_rules.INFLATES_FAIRLY,
            SMALL,
            zipped(lambda archive: archive.writestr("zeros.dcm", bytes(1 << 20))),
            "looked_at_above",
        ),
    ),
    place_rules.INFLATES_FAIRLY: limited(
        place_rules.INFLATES_FAIRLY, SMALL, series(zeros, DeflatedExplicitVRLittleEndian), "looked_at_above"
    ),
    place_rules.FILE_SIZE: changed(sparse_file),
    series_rules.IMAGE_SIZE: edited(put("Rows", 65535), (4,)),
    series_rules.TRANSFER_SYNTAX: series(unknown_syntax),
    series_rules.MODALITY: edited(put("Modality", "MR")),
    series_rules.OTHER_OBJECTS: series(lambda: [*SeriesSpec().slices(), capture()]),
    series_rules.PIXELS: edited(drop("PixelData"), (4,)),
    series_rules.GEOMETRY: edited(drop("ImagePositionPatient"), (4,)),
    series_rules.PAGE: series(lambda: [*SeriesSpec().slices(), page()]),
    series_rules.COSINES: edited(put("ImageOrientationPatient", [1.1, 0, 0, 0, 1, 0]), (4,)),
    series_rules.SERIES: series(
        lambda: [
            *SeriesSpec().slices(),
            *SeriesSpec(series_uid="1.2.826.9", frame_of_reference_uid="1.2.826.10").slices(),
        ]
    ),
    series_rules.SERIES_CHOSEN: series(
        lambda: [*SeriesSpec().slices(), *SeriesSpec(series_uid="1.2.826.9", positions=tuple(range(6))).slices()]
    ),
    series_rules.ALL_LOCALIZERS: edited(put("ImageType", LOCALIZERS)),
    series_rules.LOCALIZER: series(lambda: [localizer(), *SeriesSpec().slices()]),
    series_rules.SAME_SHAPE: edited(put("StudyInstanceUID", "1.2.3"), (4,)),
    series_rules.SAME_SPACING: edited(put("PixelSpacing", [1.2, 0.81]), (4,)),
    series_rules.SAME_ORIENTATION: edited(put("ImageOrientationPatient", [0.9998, 0.02, 0, -0.02, 0.9998, 0]), (4,)),
    series_rules.COLLINEAR: edited(put("ImagePositionPatient", [-5.0, -5.0, 0.0]), (4,)),
    series_rules.SLICE_LOCATION: series(
        lambda: SeriesSpec(edits={k: put("SliceLocation", 2.0 * k if k else 18.0) for k in range(9)}).slices()
    ),
    series_rules.METADATA_ORDER: edited(put("InstanceNumber", 1), (4,)),
    series_rules.ENOUGH_SLICES: specified(positions=(0, 1)),
    series_rules.SAME_POSITION: series(lambda: twice(lambda number, ds: None)),
    series_rules.DUPLICATES_DROPPED: specified(order=(0, 1, 1, *range(2, 9))),
    series_rules.INTERLEAVED: series(uneven_stacks),
    series_rules.INTERLEAVED_CHOSEN: series(
        lambda: [*stack(0, -8, AcquisitionNumber=1), *stack(100, -7, AcquisitionNumber=2)]
    ),
    series_rules.STEADY_RECONSTRUCTION: series(two_kernels),
    series_rules.NO_GAPS: specified(positions=(0, 1, 2, 5, 6, 7, 8)),
    series_rules.CONTIGUOUS: specified(positions=(0, 2, 4, 6, 8)),
    series_rules.EVEN_SPACING: specified(positions=(0, 1, 2.3, 3, 4, 5.4, 6)),
    series_rules.UPRIGHT: specified(shear=(0.0, 0.2)),
    series_rules.COMPLETE_FILES: changed(cut_short),
    series_rules.SOUND_HEADERS: changed(twice_an_element),
    series_rules.DAMAGED_OTHERS: changed(damaged_report),
    series_rules.EXACT_PIXELS: edited(put("Rows", 10)),
    series_rules.PADDED_PIXELS: edited(lambda ds: setattr(ds, "PixelData", ds.PixelData + bytes(4))),
    value_rules.RESCALE: edited(drop("RescaleSlope"), (4,)),
    value_rules.HOUNSFIELD_BY_NAME: edited(put("RescaleType", "MGML")),
    value_rules.NAMED_UNIT: edited(put("RescaleType", "US"), (4,)),
    value_rules.HU_RANGE: edited(wrapped),
    value_rules.HAS_AIR: showing(lambda hu: hu + 1024),
    value_rules.HAS_TISSUE: showing(lambda hu: hu - 500, intercepts=(-4096.0,)),
    value_rules.LITTLE_BELOW_AIR: showing(lambda hu: np.where(hu > 100, -1800 - hu, hu), intercepts=(-4096.0,)),
    value_rules.BODY_MEDIAN: showing(lambda hu: np.where(hu > -250, hu + 450, hu)),
    value_rules.RESCALE_STEADY: edited(put("RescaleIntercept", "-500"), (4,)),
    value_rules.VALUES_STEADY: edited(doubled, (4,), columns=40, rows=36, field_hu=chest_hu),
    value_rules.PADDING: edited(put("PixelPaddingValue", 1024)),
    value_rules.LOSSLESS: edited(put("LossyImageCompression", "01")),
    value_rules.ENOUGH_BITS: edited(put("BitsAllocated", 8), (4,)),
    value_rules.SPARE_BITS: edited(few_bits),
    value_rules.ENCODED_BITS: series(other_bits),
    value_rules.PROJECTION: edited(put("ImageType", ["DERIVED", "SECONDARY", "AXIAL", "MIP"])),
    value_rules.THIN: specified(thickness_mm=3.5),
    value_rules.NOT_TOO_THICK: specified(thickness_mm=5.5),
    value_rules.LUNG: showing(without_lung),
}


def nifti(name: str = "ct.nii", hu: NDArray[Any] | None = None, affine: Any = None, **fields: object) -> Build:
    return lambda folder, _: write_nifti(folder / name, hu, affine, **fields)


def voxels(change: Callable[[NDArray[Any]], NDArray[Any]]) -> Build:
    return nifti(hu=change(phantom_hu().astype(np.float32)).astype(np.float32))


def text(name: str, old: str, new: str) -> Build:
    return lambda folder, _: edit_text(write_itk(folder / name), old, new)


def no_image(folder: Path, _: pytest.MonkeyPatch) -> Path:
    (folder / "ct.nii").write_bytes(b"hello, this is no scan")
    return folder / "ct.nii"


def failing_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def fail(start: bytes) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("nodulus.transforms.images.read_image.is_nifti", fail)
    return write_nifti(folder / "ct.nii")


def longer(folder: Path, _: pytest.MonkeyPatch) -> Path:
    path = write_nifti(folder / "ct.nii")
    path.write_bytes(path.read_bytes() + b"x")
    return path


def wrong_checksum(folder: Path, _: pytest.MonkeyPatch) -> Path:
    path = write_nifti(folder / "ct.nii.gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 0xFF
    path.write_bytes(data)
    return path


def bomb(folder: Path, _: pytest.MonkeyPatch) -> Path:
    path = write_nifti(folder / "ct.nii", dim=[3, 4096, 4096, 4096, 1, 1, 1, 1])
    path.write_bytes(gzip.compress(path.read_bytes()))
    return path


def directions(vectors: str) -> Build:
    def built(folder: Path, _: pytest.MonkeyPatch) -> Path:
        path = write_itk(folder / "ct.nrrd")
        stated = path.read_bytes().split(b"space directions: ")[1].split(b"\n")[0].decode()
        return edit_text(path, stated, vectors)

    return built


def far_away() -> Any:
    affine = phantom_affine_lps()
    affine[0, 3] = 2e5
    return affine


IMAGE_BREAKERS: dict[GateRule, Build] = {
    place_rules.READABLE: failing_disk,
    image_rules.KNOWN_FORMAT: no_image,
    image_rules.SOUND_HEADER: nifti(vox_offset=np.nan),
    image_rules.ONE_ACCOUNT: text("ct.mha", "DimSize", "DimSize = 26 20 14\nDimSize"),
    image_rules.DATA_FILE_BESIDE: text("ct.mhd", "ct.raw", "../ct.raw"),
    image_rules.WHOLE_FILE: text("ct.nrrd", "sizes: 20 26 14", "sizes: 20 26 99"),
    image_rules.NOTHING_LEFT_OVER: longer,
    image_rules.SOUND_COMPRESSION: wrong_checksum,
    place_rules.INFLATES_FAIRLY: bomb,
    image_rules.FEW_VOXELS: text("ct.mha", "DimSize = 20", "DimSize = 4097"),
    image_rules.THREE_AXES: text("ct.nrrd", "sizes: 20 26 14", "sizes: 20 364"),
    image_rules.ONE_VOLUME: nifti(hu=np.stack([phantom_hu()] * 3, axis=-1)),
    image_rules.ONE_NUMBER_A_VOXEL: text("ct.nrrd", "kinds: domain", "kinds: RGB-color"),
    image_rules.HAS_GEOMETRY: nifti(qform_code=0, sform_code=0),
    image_rules.POSITION: nifti(affine=far_away()),
    image_rules.SPACING: nifti(affine=np.diag([0.01, 0.01, 0.02, 1.0])),
    image_rules.UNIT_AXES: text("ct.mha", "TransformMatrix = ", "TransformMatrix = 2 0 0 0 2 0 0 0 2\nComment = "),
    image_rules.AXES_SPAN_SPACE: directions("(0.8,0,0) (0.8,0.01,0) (0,0,1.9)"),
    image_rules.ACCOUNTS_AGREE: nifti(qoffset_x=90.0),
    image_rules.KNOWN_UNIT: nifti(xyzt_units=5),
    image_rules.LENGTH_UNIT: nifti(xyzt_units=0),
    value_rules.NOT_TOO_THICK: nifti(affine=np.diag([0.7, 0.7, 5.2, 1.0])),
    value_rules.THIN: nifti(affine=np.diag([0.7, 0.7, 3.2, 1.0])),
    series_rules.UPRIGHT: directions("(0.8,0,0) (0,0.7,0) (0,0.4,1.9)"),
    image_rules.ENOUGH_VOXELS: nifti(hu=phantom_hu()[:, :, 6:8]),
    value_rules.HU_RANGE: voxels(lambda hu: hu * 40),
    value_rules.HAS_AIR: voxels(lambda hu: hu + 1024),
    value_rules.HAS_TISSUE: voxels(lambda hu: np.where(hu > -500, -300, hu)),
    value_rules.LITTLE_BELOW_AIR: voxels(lambda hu: np.where(hu > 100, -1800 - hu, hu)),
    value_rules.BODY_MEDIAN: voxels(lambda hu: np.where(hu > 0, hu + 400, hu)),
    value_rules.LUNG: voxels(without_lung),
}


def mask(values: Sequence[float], dtype: type = np.float32) -> Build:
    """Return what builds a mask of 4 x 4 x 4 voxels that begins with these values."""

    def built(folder: Path, _: pytest.MonkeyPatch) -> Path:
        voxels: NDArray[Any] = np.zeros(64, dtype=dtype)
        voxels[: len(values)] = values
        image = nib.Nifti1Image(voxels.reshape(4, 4, 4), np.eye(4))
        image.header.set_xyzt_units("mm")
        nib.save(image, folder / "mask.nii")
        return folder / "mask.nii"

    return built


MASK_BREAKERS: dict[GateRule, Build] = {
    mask_rules.MASK_SIZE: limited(mask_rules.MASK_SIZE, Limit(0, "Mi voxels"), mask([1])),
    mask_rules.LABELS: mask([-1000, 40]),
    mask_rules.WHOLE_NUMBERS: mask([0.25, 0.75]),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[GateRule, Problem]]:
    """Return a list to which each broken rule is added with the problem that the user sees."""
    broken: list[tuple[GateRule, Problem]] = []
    compose = verdict.problem_of

    def recorded(rule: GateRule, *args: Any, **options: Any) -> Problem:
        broken.append((rule, compose(rule, *args, **options)))
        return broken[-1][1]

    monkeypatch.setattr(verdict, "problem_of", recorded)
    return broken


def test_there_is_a_broken_scan_for_every_rule_of_the_page() -> None:
    assert set(SERIES_BREAKERS) == set(SERIES_RULES)
    assert set(IMAGE_BREAKERS) == set(IMAGE_RULES)
    assert set(MASK_BREAKERS) == set(MASK_RULES)


CASES = [
    pytest.param(rule, build, id=f"{kind}-{name_of(rule)}")
    for kind, table in (("series", SERIES_BREAKERS), ("image", IMAGE_BREAKERS))
    for rule, build in table.items()
]


@pytest.mark.parametrize(("rule", "build"), CASES)
def test_the_rule_that_is_broken_is_the_one_that_speaks(
    rule: GateRule,
    build: Build,
    asked: list[tuple[GateRule, Problem]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = build(tmp_path, monkeypatch)
    if rule.action == "refuse":
        with pytest.raises(InputRefusedError) as caught:
            # Some rules are asked of what is read, not of what is opened.
            open_ct(path).read_region((0, 0, 2), (4, 4, 6))
        assert (name_of(asked[-1][0]), asked[-1][1]) == (name_of(rule), caught.value.problem)
        problem = caught.value.problem
    else:
        warnings = open_ct(path).warnings
        (problem,) = {problem for broken, problem in asked if broken is rule}
        assert problem in warnings
    assert problem.code == rule.code
    assert problem.message.startswith("Expected ")
    assert problem.message.count("Expected ") == problem.message.count(", got ") == 1


@pytest.mark.parametrize(("rule", "build"), MASK_BREAKERS.items(), ids=[name_of(rule) for rule in MASK_BREAKERS])
def test_the_rule_that_a_mask_breaks_is_the_one_that_speaks(
    rule: GateRule,
    build: Build,
    asked: list[tuple[GateRule, Problem]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = build(tmp_path, monkeypatch)
    with pytest.raises(InputRefusedError, match=r"Expected .*, got .* in mask\.nii") as caught:
        open_label_mask(path)
    assert (name_of(asked[-1][0]), asked[-1][1]) == (name_of(rule), caught.value.problem)


# What is compared where it is read has no warnings left to add to.
ALLOWED_WITH_A_WARNING = [
    case
    for case in CASES
    if case.values[0].may_be_allowed and case.values[0] is not value_rules.VALUES_STEADY  # type: ignore[union-attr]  # the first is a rule
]


@pytest.mark.parametrize(("rule", "build"), ALLOWED_WITH_A_WARNING)
def test_what_is_allowed_passes_and_is_marked_alike_for_every_format(
    rule: GateRule,
    build: Build,
    asked: list[tuple[GateRule, Problem]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings = open_ct(build(tmp_path, monkeypatch), allow=[rule.code]).warnings
    (problem,) = {problem for broken, problem in asked if broken is rule}
    assert f"{problem.message} (allowed)" in [warning.message for warning in warnings]
