"""Enhanced (multi-frame) CT reads as the same slices in single files do."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGLSLossless

from nodulus.transforms.dicom.enhanced_frames import frame_headers
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.inflate import InflatedSource
from nodulus.transforms.dicom.slice_header import read_slice_header
from nodulus.transforms.pixels.hounsfield_slices import read_slices, slice_hu
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.problems import ProblemCode as Code
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.sources.byte_sources import FileSource, MemorySource
from tests.fuzz.dicom_damage import hidden
from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices, zip_folder
from tests.support.enhanced_writer import enhanced

SPEC = SeriesSpec(slopes=(1.0, 0.5), order=(3, 0, 8, 5, 1, 7, 2, 6, 4))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, JPEGLSLossless])
def test_an_enhanced_file_reads_as_its_slices(tmp_path: Path, syntax: str) -> None:
    plain = open_ct(write_slices(SPEC.slices(), tmp_path / "classic"))
    slices = SPEC.slices()
    is_compressed = syntax == JPEGLSLossless
    if is_compressed:
        for ds in slices:
            ds.compress(JPEGLSLossless)
    folder = tmp_path / "enhanced"
    folder.mkdir()
    write_slice(enhanced(slices, is_compressed), folder / "frames.dcm", syntax)
    for place in (folder, folder / "frames.dcm", zip_folder(folder, tmp_path / "enhanced.zip")):
        volume = open_ct(place)
        np.testing.assert_array_equal(volume.grid.affine_lps, plain.grid.affine_lps)
        np.testing.assert_array_equal(volume.read_all(), plain.read_all())
        np.testing.assert_array_equal(volume.read_region((1, 2, 3), (5, 6, 7)), plain.read_region((1, 2, 3), (5, 6, 7)))


def no_position(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[4].PlanePositionSequence


def no_transform(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[4].PixelValueTransformationSequence


def one_group_less(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[4]


def one_frame_less(ds: Dataset) -> None:
    ds.PixelData = ds.PixelData[: -ds.Rows * ds.Columns * 2]


def no_groups(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (no_position, Code.NO_GEOMETRY),
        (no_transform, Code.NOT_HOUNSFIELD),
        (one_group_less, Code.UNREADABLE),
        (one_frame_less, Code.TRUNCATED),
        (no_groups, Code.UNREADABLE),
    ],
)
def test_a_broken_enhanced_file_is_refused_by_name(tmp_path: Path, edit: Callable[[Dataset], None], code: Code) -> None:
    ds = enhanced(SPEC.slices())
    edit(ds)
    write_slice(ds, tmp_path / "frames.dcm")
    with pytest.raises(InputRefusedError, match=r"frames\.dcm") as caught:
        open_ct(tmp_path)
    assert caught.value.problem.code == code


def test_frames_and_slices_name_their_numbers_alike(tmp_path: Path) -> None:
    write_slice(enhanced(SPEC.slices()), tmp_path / "frames.dcm")
    write_slice(SPEC.slices()[0], tmp_path / "slice.dcm")
    file, single = (
        read_slice_header(FileSource(path, path.name, path.stat().st_size))
        for path in (tmp_path / "frames.dcm", tmp_path / "slice.dcm")
    )
    for frame in frame_headers(file):
        assert frame.traits == {"TemporalPositionIdentifier": "1", "AcquisitionNumber": "1"}
        assert set(frame.traits) <= set(single.traits)
        assert set(frame.stack_numbers) <= set(single.stack_numbers)


def test_damaged_functional_groups_are_refused_or_read(tmp_path: Path) -> None:
    write_slice(enhanced(SPEC.slices()), tmp_path / "frames.dcm")
    content = (tmp_path / "frames.dcm").read_bytes()
    start, end = content.index(b"\x00\x52\x29\x92"), content.index(b"\xe0\x7f\x10\x00")
    rng, n_refused = random.Random(5), 0
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 3))):
            changed[rng.randrange(start, end)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        try:
            header = read_slice_header(MemorySource("frames.dcm", bytes(changed)))
            assert len(frame_headers(header)) == header.pixels.n_frames
        except DicomError:
            n_refused += 1
    assert 20 < n_refused < 280


@pytest.mark.parametrize("keyword", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
@pytest.mark.parametrize("depth", [20, 400, 20_000])
def test_sequences_nested_out_of_the_walkers_sight_are_refused(tmp_path: Path, keyword: str, depth: int) -> None:
    path = tmp_path / "frames.dcm"
    write_slice(enhanced(SPEC.slices()), path)
    sound, tag = path.read_bytes(), struct.pack("<HH", *divmod(tag_for_keyword(keyword) or 0, 1 << 16))
    path.write_bytes(sound[: sound.index(tag)] + hidden(depth, tag) + sound[sound.index(b"\xe0\x7f\x10\0") :])
    with pytest.raises(InputRefusedError, match="unreadable: Expected a sound DICOM file"):
        open_ct(path)


@pytest.mark.parametrize("length", [3, 5, 6, 190])
def test_a_number_of_a_length_that_no_number_has_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "frames.dcm"
    write_slice(enhanced(SPEC.slices()), path)
    sound, at = path.read_bytes(), 138  # where the length of the first element stands, FileMetaInformationGroupLength
    path.write_bytes(sound[:at] + struct.pack("<H", length) + sound[at + 2 :])
    with pytest.raises(InputRefusedError, match=r"(unreadable|truncated): Expected"):
        open_ct(path)


def test_one_frame_of_a_deflated_file_is_not_inflated_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_slice(enhanced(SPEC.slices()), tmp_path / "frames.dcm", DeflatedExplicitVRLittleEndian)
    path = tmp_path / "frames.dcm"
    frames = frame_headers(read_slice_header(FileSource(path, path.name, path.stat().st_size)))
    size = frames[0].source.size
    read: list[int] = []
    plain_read = InflatedSource.read

    def counted(source: InflatedSource, offset: int, length: int) -> bytes:
        read.append(offset + length)
        return plain_read(source, offset, length)

    monkeypatch.setattr(InflatedSource, "read", counted)
    first, *others = (slice_hu(frame) for frame in frames)
    assert read == sorted(read)
    assert read[0] < size - 7 * first.size * 2
    read.clear()
    stack = read_slices(frames)
    assert read == [size], "all frames come from one inflation"
    np.testing.assert_array_equal(stack, np.stack([first, *others], axis=-1).transpose(1, 0, 2))
