"""Damaged compressed pixels: refused before a decoder in C can fall over them, or make up what is missing."""

from __future__ import annotations

import random
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from nodulus.transforms.dicom.slice_header import PixelLayout, read_slice_header
from nodulus.transforms.pixels.decode_frame import decode_frame
from nodulus.transforms.pixels.errors import BrokenPixelsError
from nodulus.transforms.pixels.fragments import compressed_frame
from nodulus.transforms.pixels.jpeg_segments import read_jpeg
from nodulus.transforms.pixels.rle_frame import decode_rle
from nodulus.transforms.sources.byte_sources import FileSource
from tests.support.dicom_series_writer import SeriesSpec, write_slice
from tests.support.gdcm_writer import compress_by_gdcm

Damage = Callable[[bytearray], bytes]
RandomDamage = Callable[[bytes, random.Random], bytes]


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


JPEG, J2K, RLE, JLS = "JPEGLosslessProcess14_1", str(JPEG2000Lossless), str(RLELossless), str(JPEGLSLossless)
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
    *[(JLS, set_byte(b"\xff\xf7", at, value)) for at, value in ((4, 8), (5, 255), (6, 39), (8, 255), (9, 3))],
    (JLS, lose_middle),
    (JLS, zero_middle),
    (RLE, lose_middle),
    (RLE, lambda stream: b"\x03" + bytes(stream[1:])),
]


@pytest.mark.parametrize("syntax", [JPEG, "JPEGLosslessProcess14", J2K, RLE, JLS])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\xff", b"\r\n"])
def test_sound_frames_decode_whatever_follows_their_end(tmp_path: Path, syntax: str, tail: bytes) -> None:
    stream, layout, stored = noisy_frame(tmp_path, syntax)
    np.testing.assert_array_equal(decode_frame(stream.rstrip(b"\0") + tail, layout) if tail else stored, stored)


@pytest.mark.parametrize(("syntax", "damage"), DAMAGES)
def test_damaged_frames_are_refused(tmp_path: Path, syntax: str, damage: Damage) -> None:
    stream, layout, _ = noisy_frame(tmp_path, syntax)
    with pytest.raises(BrokenPixelsError, match=r"."):
        decode_frame(damage(bytearray(stream)), layout)


def test_no_byte_of_a_jpeg_header_kills_the_process(tmp_path: Path) -> None:
    stream, layout, _ = noisy_frame(tmp_path, JPEG)
    header_bytes = len(stream) - len(read_jpeg(stream).scan) - 2
    for at in range(header_bytes):
        for value in (0, 1, 0x7F, 0xFF, stream[at] ^ 1):
            changed = bytearray(stream)
            changed[at] = value
            with suppress(BrokenPixelsError):
                decode_frame(bytes(changed), layout)


def test_run_lengths_must_fill_the_image_exactly() -> None:
    header = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    np.testing.assert_array_equal(decode_rle(header + b"\x01ab\xfec", 5, 1).ravel(), list(b"abccc"))
    for n_pixels in (4, 6):
        with pytest.raises(ValueError, match="run lengths"):
            decode_rle(header + b"\x01ab\xfec", n_pixels, 1)


def sample(data_dir: Path, name: str) -> tuple[bytes, PixelLayout]:
    """Return the stream and the layout of a real slice."""
    path = data_dir / "dicom_codecs" / f"{name}.dcm"
    header = read_slice_header(FileSource(path, path.name, path.stat().st_size))
    return compressed_frame(header), header.pixels


def drop_byte(stream: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + stream[at + 1 :]


def zero_bytes(stream: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(stream) - 64)
    return stream[:at] + bytes(64) + stream[at + 64 :]


def cut(stream: bytes, rng: random.Random) -> bytes:
    return stream[: rng.randrange(1, len(stream))]


def flip_bit(stream: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + bytes([stream[at] ^ 1 << rng.randrange(8)]) + stream[at + 1 :]


def change_start(stream: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(min(150, len(stream)))
    return stream[:at] + bytes([rng.randrange(256)]) + stream[at + 1 :]


# Of 12 streams damaged alike, how many must be found: as many as with every segment walked by hand. What decodes to
# other pixels cannot be told where a codec has neither checksum nor spare bits.
FOUND: dict[tuple[str, RandomDamage], int] = {
    ("jpeg2000_lossless", drop_byte): 12,
    ("jpeg2000_lossless", cut): 12,
    ("jpeg_lossless_sv1", drop_byte): 8,
    ("jpeg_lossless_sv1", zero_bytes): 12,
    ("jpeg_lossless_sv1", cut): 12,
    ("jpegls_lossless", drop_byte): 12,
    ("jpegls_lossless", zero_bytes): 12,
    ("jpegls_lossless", cut): 12,
    ("jpegls_lossless", flip_bit): 11,
    ("rle_lossless", drop_byte): 12,
    ("rle_lossless", zero_bytes): 6,
    ("rle_lossless", cut): 12,
}


@pytest.mark.parametrize(("name", "damage"), FOUND)
def test_damage_is_found_as_often_as_it_can_be(data_dir: Path, name: str, damage: RandomDamage) -> None:
    stream, layout = sample(data_dir, name)
    rng, n_found = random.Random(7), 0
    for _ in range(12):
        try:
            decode_frame(damage(stream, rng), layout)
        except BrokenPixelsError:
            n_found += 1
    assert n_found >= FOUND[name, damage]


@pytest.mark.parametrize("syntax", [JPEG, J2K, RLE, JLS])
def test_a_damaged_frame_decodes_or_is_broken_and_nothing_else(tmp_path: Path, syntax: str) -> None:
    stream, layout, _ = noisy_frame(tmp_path, syntax)
    rng, reasons, n_decoded = random.Random(3), Counter[str](), 0
    for _ in range(100):
        for damage in (drop_byte, zero_bytes, cut, flip_bit, change_start):
            try:
                pixels = decode_frame(damage(stream, rng), layout)
            except BrokenPixelsError as error:
                reasons[str(error)] += 1
            else:
                n_decoded += 1
                assert pixels.shape == (layout.rows, layout.columns)
    assert n_decoded > 10
    assert reasons.total() > 100
    assert not [reason for reason in reasons if "\n" in reason or "gdcm" in reason or "failed" in reason]


@pytest.mark.parametrize(("name", "marker", "at"), [("jpegls_lossless", b"\xff\xf7", 5), ("jpeg2000_lossless", SIZ, 6)])
def test_a_claim_of_a_huge_image_takes_no_memory(data_dir: Path, name: str, marker: bytes, at: int) -> None:
    stream, layout = sample(data_dir, name)
    start, size = stream.index(marker) + at, (30_000).to_bytes(2 if name == "jpegls_lossless" else 4, "big")
    claim = stream[:start] + 2 * size + stream[start + 2 * len(size) :]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BrokenPixelsError, match="30000 x 30000"):
        decode_frame(claim, layout)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
