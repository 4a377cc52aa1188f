"""Damaged compressed pixels: refused before a decoder in C can fall over them, or make up what is missing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import JPEG2000Lossless, RLELossless

from nodulus.transforms.dicom.slice_header import PixelLayout, read_slice_header
from nodulus.transforms.pixels.decode_frame import decode_frame
from nodulus.transforms.pixels.fragments import compressed_frame
from nodulus.transforms.pixels.jpeg_segments import read_jpeg
from nodulus.transforms.pixels.rle_frame import decode_rle
from nodulus.transforms.sources.byte_sources import FileSource
from tests.support.dicom_series_writer import SeriesSpec, write_slice
from tests.transforms.series.test_read_series import compress_by_gdcm

Damage = Callable[[bytearray], bytes]


def noisy_frame(folder: Path, syntax: str) -> tuple[bytes, PixelLayout, NDArray[np.uint16]]:
    """Return a compressed slice with the texture of a CT, its layout and its stored numbers."""
    noise = np.random.default_rng(0)
    spec = SeriesSpec(
        columns=48, rows=40, field_hu=lambda points: noise.normal(-300, 200, points.shape[:2]).clip(-1000)
    )
    ds = spec.slices()[0]
    stored = np.frombuffer(ds.PixelData, "<u2").reshape(40, 48)
    if not syntax.startswith("JPEGLossless"):
        ds.compress(syntax)
    folder.mkdir(exist_ok=True)
    write_slice(ds, folder / "slice.dcm")
    if syntax.startswith("JPEGLossless"):
        compress_by_gdcm(folder, syntax)
    path = folder / "slice.dcm"
    header = read_slice_header(FileSource(path, path.name, path.stat().st_size))
    return compressed_frame(header), header.pixels, stored


def set_byte(marker: bytes, at: int, value: int) -> Damage:
    def damage(stream: bytearray) -> bytes:
        stream[stream.index(marker) + at] = value
        return bytes(stream)

    return damage


def lose_middle(stream: bytearray) -> bytes:
    middle = len(stream) // 2
    return bytes(stream[:middle] + stream[middle + 200 :])


def zero_middle(stream: bytearray) -> bytes:
    middle = len(stream) // 2
    return bytes(stream[:middle] + bytes(200) + stream[middle + 200 :])


JPEG, J2K, RLE = "JPEGLosslessProcess14_1", str(JPEG2000Lossless), str(RLELossless)
SOF, SIZ = b"\xff\xc3", b"\xff\x51"

DAMAGES: list[tuple[str, Damage]] = [
    *[(JPEG, set_byte(SOF, 4, precision)) for precision in (0, 1, 8, 12, 15, 17, 32, 255)],
    *[(JPEG, set_byte(SOF, 6, rows)) for rows in (0, 1, 39, 255)],
    *[(JPEG, set_byte(SOF, 9, components)) for components in (0, 2, 3, 255)],
    (JPEG, set_byte(b"\xff\xc4", 5, 255)),  # more codes of one bit than there are
    (JPEG, set_byte(b"\xff\xda", 7, 9)),  # no such predictor
    (JPEG, lose_middle),
    (JPEG, zero_middle),
    *[(J2K, set_byte(SIZ, 40, depth)) for depth in (0x25, 0x0B, 0x07, 0x17, 0x8F)],
    *[(J2K, set_byte(SIZ, 9, columns)) for columns in (0, 47, 255)],
    (J2K, lose_middle),
    (RLE, lose_middle),
    (RLE, lambda stream: b"\x03" + bytes(stream[1:])),
]


@pytest.mark.parametrize("syntax", [JPEG, "JPEGLosslessProcess14", J2K, RLE])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\xff", b"\r\n"])
def test_sound_frames_decode_whatever_follows_their_end(tmp_path: Path, syntax: str, tail: bytes) -> None:
    stream, layout, stored = noisy_frame(tmp_path, syntax)
    np.testing.assert_array_equal(decode_frame(stream.rstrip(b"\0") + tail, layout) if tail else stored, stored)


@pytest.mark.parametrize(("syntax", "damage"), DAMAGES)
def test_damaged_frames_are_refused(tmp_path: Path, syntax: str, damage: Damage) -> None:
    stream, layout, _ = noisy_frame(tmp_path, syntax)
    with pytest.raises(ValueError, match=r"."):
        decode_frame(damage(bytearray(stream)), layout)


def test_no_byte_of_a_jpeg_header_kills_the_process(tmp_path: Path) -> None:
    stream, layout, _ = noisy_frame(tmp_path, JPEG)
    header_bytes = len(stream) - len(read_jpeg(stream).scan) - 2
    for at in range(header_bytes):
        for value in (0, 1, 0x7F, 0xFF, stream[at] ^ 1):
            changed = bytearray(stream)
            changed[at] = value
            with suppress(Exception):
                decode_frame(bytes(changed), layout)


def test_run_lengths_must_fill_the_image_exactly() -> None:
    header = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    np.testing.assert_array_equal(decode_rle(header + b"\x01ab\xfec", 5, 1).ravel(), list(b"abccc"))
    for n_pixels in (4, 6):
        with pytest.raises(ValueError, match="run lengths"):
            decode_rle(header + b"\x01ab\xfec", n_pixels, 1)
