"""A fault of ours ends as one, exit code 1; what is wrong with a scan ends as a refusal with its own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from nodulus.pipeline.command.main import run
from nodulus.pipeline.phantom.demo_study import DemoStudy
from nodulus.pipeline.results.record import read_results
from nodulus.transforms.dicom import enhanced_frames, slice_header
from nodulus.transforms.pixels import decode_frame, rle_frame
from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices
from tests.support.enhanced_writer import enhanced

BUGS = [TypeError, NameError, AttributeError, KeyError, IndexError, ValueError]


def bug(kind: type[Exception]) -> Callable[..., None]:
    """Return a function that fails as a mistake in it would."""

    def fails(*_: object) -> None:
        raise kind("a mistake of ours")

    return fails


def compressed(folder: Path, syntax: str) -> Path:
    for path in folder.iterdir():
        ds = dcmread(path)
        ds.compress(syntax)
        ds.save_as(path)
    return folder


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return write_slices(SeriesSpec(columns=48, rows=40).slices(), tmp_path / "series")


def assert_is_a_fault_of_ours(
    scan: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(scan)]) == 1
    assert f"internal error: {kind.__name__}: " in capfd.readouterr().err
    if kind is not BUGS[0]:
        return  # infer takes a second to load what it scores with
    out = scan.parent / "out"
    assert run(["infer", str(scan), "--point", "0,0,0", "--diameter", "5", "-o", str(out)]) == 1
    assert not (out / "results.json").exists()
    # A batch goes on past the fault and records it.
    monkeypatch.setattr("nodulus.pipeline.scoring.scorer.logger.exception", lambda *_: None)
    cases = scan.parent / "cases.csv"
    cases.write_text(f"case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm\na,{scan.name},1,0,0,0,5\n")
    assert run(["infer", str(cases), "-o", str(out)]) == 1
    (case,) = read_results(out / "results.json").cases
    assert (case.status, case.problem and case.problem.code) == ("failed", "failed")


@pytest.mark.parametrize("kind", BUGS)
@pytest.mark.parametrize(
    ("syntax", "room", "name"),
    [
        (RLELossless, rle_frame, "_segment"),
        (JPEGLSLossless, decode_frame, "read_jpeg"),
        (JPEG2000Lossless, decode_frame, "_bits_of"),
    ],
)
def test_a_bug_in_a_decoder_is_an_internal_error(
    kind: type[Exception],
    syntax: str,
    room: object,
    name: str,
    series: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    compressed(series, syntax)
    monkeypatch.setattr(room, name, bug(kind))
    assert_is_a_fault_of_ours(series, kind, monkeypatch, capfd)


@pytest.mark.parametrize("kind", BUGS)
@pytest.mark.parametrize("of_frames", [False, True])
def test_a_bug_in_a_header_reader_is_an_internal_error(
    kind: type[Exception],
    of_frames: bool,
    series: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if of_frames:
        series = tmp_path / "enhanced"
        series.mkdir()
        write_slice(enhanced(SeriesSpec().slices()), series / "frames.dcm")
        monkeypatch.setattr(enhanced_frames, "_number", bug(kind))
    else:
        monkeypatch.setattr(slice_header, "_layout_from", bug(kind))
    assert_is_a_fault_of_ours(series, kind, monkeypatch, capfd)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_a_slice_that_breaks_while_a_patch_is_cut_keeps_its_code(
    syntax: str, study: DemoStudy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The gate decodes a few slices; another one breaks inside MONAI's chain of transforms, which wraps its error."""
    folder = tmp_path / "series"
    folder.mkdir()
    slices = sorted((dcmread(path) for path in study.dicom_folder.iterdir()), key=_height_mm)
    center_mm = study.marked.nodules[0].center_lps_mm
    at = int(np.argmin([abs(_height_mm(ds) - center_mm[2]) for ds in slices]))
    for k, ds in enumerate(slices):
        ds.compress(syntax)
        if abs(k - at) <= 1:
            ds.PixelData = ds.PixelData[:-60] + bytes(60) if syntax == RLELossless else _without_end(ds.PixelData)
        write_slice(ds, folder / f"{k:03}.dcm", syntax)
    point = ",".join(map(str, center_mm))
    arguments = ["infer", str(folder), "--point", point, "--diameter", "9", "-o", str(tmp_path / "out")]
    assert run(arguments) == 3
    (case,) = read_results(tmp_path / "out" / "results.json").cases
    assert case.status == "refused"
    assert case.problem is not None
    assert case.problem.code == "truncated"
    assert "that decode, got" in case.problem.message
    assert "object at 0x" not in capfd.readouterr().err


def _height_mm(ds: object) -> float:
    return float(ds.ImagePositionPatient[2])  # type: ignore[attr-defined]  # pydicom makes it of the keyword


def _without_end(pixels: bytes) -> bytes:
    """Return encapsulated pixels whose codestream lacks the marker that ends it."""
    at = pixels.rindex(b"\xff\xd9")
    return pixels[:at] + bytes(2) + pixels[at + 2 :]
