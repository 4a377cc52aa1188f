"""One real scan in every lossless form that DICOM has for it: the same patch, the same score."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import gdcm
import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.scoring.open_case import ReadOptions, open_case, open_scan
from nodulus.pipeline.scoring.scorer import Scorer

NODULE = Nodule("LIDC-IDRI-0001_R_1", (56.208, 86.343, -115.868), 23.4)


@pytest.fixture(scope="module")
def series(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slices of the scan that surround the nodule: 40 of 133, so that encoding them ten times over stays cheap."""
    folder = tmp_path_factory.mktemp("series")
    with zipfile.ZipFile(data_dir / "lidc_dicom" / "LIDC-IDRI-0001.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".dcm"):
                (folder / Path(name).name).write_bytes(archive.read(name))
    by_position = sorted(folder.iterdir(), key=_z)
    nearest = min(range(len(by_position)), key=lambda k: abs(_z(by_position[k]) - NODULE.center_lps_mm[2]))
    for k, path in enumerate(by_position):
        if abs(k - nearest) > 20:
            path.unlink()
    return folder


def _z(path: Path) -> float:
    return float(dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2])


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(device="cpu")


@pytest.fixture(scope="module")
def reference(series: Path, scorer: Scorer) -> tuple[np.ndarray, float]:
    return patch_and_score(series, scorer)


def patch_and_score(path: Path, scorer: Scorer) -> tuple[np.ndarray, float]:
    """Return the nodule's patch in Hounsfield units and its probability of malignant."""
    opened = open_case(open_scan(path, ReadOptions()), [NODULE], ReadOptions())
    assert opened.problem is None, opened.problem
    patch = scorer.preprocessing.transforms[1](opened.items[0])["image"][0].numpy()
    (nodule,) = scorer.score(path, [NODULE]).nodules
    assert nodule.probabilities is not None
    return patch, nodule.probabilities.malignant


def by_compress(syntax: UID) -> Callable[[Path, Path], None]:
    def write(source: Path, target: Path) -> None:
        ds = dcmread(source)
        ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(target)

    return write


def by_gdcm(syntax: gdcm.TransferSyntax.TSType) -> Callable[[Path, Path], None]:
    def write(source: Path, target: Path) -> None:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        # gdcm drops the rescale of the header on the way: only its pixels are wanted.
        ds, encoded = dcmread(source), dcmread(target)
        ds.PixelData, ds.file_meta.TransferSyntaxUID = encoded.PixelData, encoded.file_meta.TransferSyntaxUID
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        ds.save_as(target)

    return write


def by_rewrite(syntax: UID) -> Callable[[Path, Path], None]:
    def write(source: Path, target: Path) -> None:
        ds = dcmread(source)
        ds.file_meta.TransferSyntaxUID = syntax
        is_little = syntax != ExplicitVRBigEndian
        if not is_little:
            ds.walk(lambda dataset, element: None)  # decodes what is still raw bytes of the other order
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").byteswap().tobytes()
        dcmwrite(target, ds, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=is_little, force_encoding=True)

    return write


SYNTAXES = {
    "implicit": by_rewrite(ImplicitVRLittleEndian),
    "explicit": by_rewrite(ExplicitVRLittleEndian),
    "big endian": by_rewrite(ExplicitVRBigEndian),
    "deflated": by_rewrite(DeflatedExplicitVRLittleEndian),
    "RLE": by_compress(RLELossless),
    "JPEG lossless 57": by_gdcm(gdcm.TransferSyntax.JPEGLosslessProcess14),
    "JPEG lossless 70": by_gdcm(gdcm.TransferSyntax.JPEGLosslessProcess14_1),
    "JPEG-LS": by_compress(JPEGLSLossless),
    "JPEG 2000": by_compress(JPEG2000Lossless),
}
WRITTEN = {"JPEG lossless 57": JPEGLossless, "JPEG lossless 70": JPEGLosslessSV1}


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_lossless_transfer_syntax_changes_neither_patch_nor_score(
    name: str, series: Path, reference: tuple[np.ndarray, float], scorer: Scorer, tmp_path: Path
) -> None:
    for source in series.iterdir():
        SYNTAXES[name](source, tmp_path / source.name)
    if name in WRITTEN:
        assert dcmread(next(tmp_path.iterdir())).file_meta.TransferSyntaxUID == WRITTEN[name]
    assert_same(patch_and_score(tmp_path, scorer), reference)


def test_enhanced_multi_frame_changes_neither_patch_nor_score(
    series: Path, reference: tuple[np.ndarray, float], scorer: Scorer, tmp_path: Path
) -> None:
    path = tmp_path / "enhanced.dcm"
    enhanced_of([dcmread(source) for source in series.iterdir()]).save_as(path, enforce_file_format=True)
    assert_same(patch_and_score(path, scorer), reference)


def assert_same(found: tuple[np.ndarray, float], reference: tuple[np.ndarray, float]) -> None:
    assert np.abs(found[0] - reference[0]).max() <= 1.0
    assert found[1] == pytest.approx(reference[1], abs=1e-4)


def enhanced_of(slices: list[Dataset]) -> Dataset:
    """Return the slices as one Enhanced CT object (PS3.3 A.38), geometry and rescale in its functional groups."""
    first = slices[0]
    enhanced = Dataset()
    enhanced.file_meta = first.file_meta.__class__()
    enhanced.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    enhanced.file_meta.MediaStorageSOPClassUID = enhanced.SOPClassUID = EnhancedCTImageStorage
    enhanced.file_meta.MediaStorageSOPInstanceUID = enhanced.SOPInstanceUID = generate_uid()
    for name in (
        "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "Rows", "Columns", "BitsAllocated",
        "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation",
    ):  # fmt: skip
        setattr(enhanced, name, getattr(first, name))
    enhanced.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    enhanced.NumberOfFrames = len(slices)
    enhanced.SharedFunctionalGroupsSequence = Sequence([_shared_groups(first)])
    enhanced.PerFrameFunctionalGroupsSequence = Sequence([_frame_groups(ds) for ds in slices])
    enhanced.PixelData = b"".join(ds.PixelData for ds in slices)
    return enhanced


def _shared_groups(ds: Dataset) -> Dataset:
    measures, orientation, transformation, groups = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = ds.PixelSpacing, ds.SliceThickness
    orientation.ImageOrientationPatient = ds.ImageOrientationPatient
    transformation.RescaleSlope, transformation.RescaleIntercept = ds.RescaleSlope, ds.RescaleIntercept
    transformation.RescaleType = "HU"
    groups.PixelMeasuresSequence = Sequence([measures])
    groups.PlaneOrientationSequence = Sequence([orientation])
    groups.PixelValueTransformationSequence = Sequence([transformation])
    return groups


def _frame_groups(ds: Dataset) -> Dataset:
    position, groups = Dataset(), Dataset()
    position.ImagePositionPatient = ds.ImagePositionPatient
    groups.PlanePositionSequence = Sequence([position])
    return groups
