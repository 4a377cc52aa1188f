"""The stored numbers of one slice: raw bytes where they are raw, decoded otherwise."""

from __future__ import annotations

import logging
import struct
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_elements import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE, inflate
from .problems import InputRefusedError, ProblemCode, refuse
from .slice_header import PixelLayout, SliceHeader

Stored = NDArray[np.integer[Any]]

RAW_SYNTAXES = frozenset({IMPLICIT_LITTLE, "1.2.840.10008.1.2.1", DEFLATED, EXPLICIT_BIG})
RLE = "1.2.840.10008.1.2.5"
# Decoders by permissive licences only; pydicom would also take pylibjpeg-libjpeg (GPL) where it is installed.
DECODERS = {
    RLE: "pydicom",
    "1.2.840.10008.1.2.4.50": "gdcm",
    "1.2.840.10008.1.2.4.51": "gdcm",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "gdcm",
    "1.2.840.10008.1.2.4.91": "gdcm",
}
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_END_OF_IMAGE = b"\xff\xd9"

Fragment = tuple[int, int]


def read_stored(header: SliceHeader, rows: slice, columns: slice) -> Stored:
    """Return the stored numbers of a part of a slice, (rows, columns), in the header's bits and sign.

    Raises:
        InputRefusedError: the file is too short, or its pixels do not decode.
    """
    layout = header.pixels
    try:
        if layout.transfer_syntax in RAW_SYNTAXES:
            return signed_numbers(_raw_rows(header, rows)[:, columns], layout)
        frame = _decoded_frame(header)
    except Exception as error:  # any decoder's complaint means the same
        raise _undecodable(header, str(error) or type(error).__name__) from error
    if frame.shape != (layout.rows, layout.columns):
        raise _undecodable(header, f"{frame.shape} pixels")
    return signed_numbers(frame[rows, columns], layout)


def frame_bytes(layout: PixelLayout) -> int:
    """Return the length of one uncompressed frame."""
    return layout.rows * layout.columns * (layout.bits_allocated // 8)


def signed_numbers(stored: Stored, layout: PixelLayout) -> Stored:
    """Return stored numbers with the bits outside BitsStored cleared and the sign extended."""
    n_bytes = stored.dtype.itemsize
    bits = stored.astype(stored.dtype.newbyteorder("="), copy=False).view(f"u{n_bytes}")
    kind = f"{'i' if layout.is_signed else 'u'}{n_bytes}"
    spare = 8 * n_bytes - layout.bits_stored
    if spare <= 0:
        return bits.view(kind)
    above = max(8 * n_bytes - 1 - layout.high_bit, 0)
    numbers: Stored = (bits << above).view(kind) >> spare
    return numbers


def fragments(header: SliceHeader) -> list[Fragment]:
    """Return offset and length of each item of compressed pixels, the table first; ValueError where they break."""
    found: list[Fragment] = []
    offset, end = header.pixels.offset, header.source.size
    while offset + 8 <= end:
        group, number, length = struct.unpack("<HHL", header.source.read(offset, 8))
        if (group, number) == _SEQUENCE_END:
            break
        if (group, number) != _ITEM or offset + 8 + length > end:
            raise ValueError(f"a broken fragment at byte {offset}")
        found.append((offset + 8, length))
        offset += 8 + length
    if len(found) < 2:
        raise ValueError("no fragments")
    return found


def _undecodable(header: SliceHeader, what: str) -> InputRefusedError:
    size = f"{header.pixels.rows} x {header.pixels.columns} pixels"
    message = f"Expected {size} that decode, got {what.splitlines()[0][:120]} in {header.name}"
    return refuse(ProblemCode.TRUNCATED, message, (header.place,))


def _raw_rows(header: SliceHeader, rows: slice) -> Stored:
    layout = header.pixels
    row_bytes = layout.columns * (layout.bits_allocated // 8)
    offset = layout.offset + header.frame * frame_bytes(layout) + rows.start * row_bytes
    length = (rows.stop - rows.start) * row_bytes
    if layout.transfer_syntax == DEFLATED:
        data = inflate(header.source.read(0, header.source.size))[offset : offset + length]
    else:
        data = header.source.read(offset, length)
    if len(data) != length:
        raise ValueError(f"{len(data)} of {length} bytes")
    order = "<" if layout.is_little_endian else ">"
    return np.frombuffer(data, f"{order}u{layout.bits_allocated // 8}").reshape(-1, layout.columns)


def _decoded_frame(header: SliceHeader) -> Stored:
    # Imported where it is needed: uncompressed scans do without.
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    layout = header.pixels
    _expect_refusals()
    frame = _compressed_frame(header)
    if layout.transfer_syntax != RLE and not frame.rstrip(b"\0").endswith(_END_OF_IMAGE):
        # Decoders fill what is missing with grey and say nothing.
        raise ValueError("a compressed image without its end")
    options: Any = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": 1,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "number_of_frames": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": int(layout.is_signed),
        "pixel_keyword": "PixelData",
    }
    decoder = get_decoder(UID(layout.transfer_syntax))
    plugin = DECODERS[layout.transfer_syntax]
    array, _ = decoder.as_array(encapsulate([frame]), index=0, raw=True, decoding_plugin=plugin, **options)
    return np.asarray(array)


@cache
def _expect_refusals() -> None:
    """Keep Python from printing the tracebacks that pydicom logs of failed decodes: a refusal says it in one line."""
    logging.getLogger("pydicom").addHandler(logging.NullHandler())


def _compressed_frame(header: SliceHeader) -> bytes:
    """Return the codestream of a frame, joined from its fragments."""
    layout, source = header.pixels, header.source
    table, *items = fragments(header)
    if layout.n_frames == 1:
        return b"".join(source.read(*item) for item in items)
    if len(items) == layout.n_frames:
        return source.read(*items[header.frame])
    starts = np.frombuffer(source.read(*table), "<u4")
    if len(starts) != layout.n_frames:
        raise ValueError(f"{len(items)} fragments for {layout.n_frames} frames and no offset table")
    first = items[0][0] - 8
    frame_of = np.searchsorted(starts, [offset - 8 - first for offset, _ in items], side="right") - 1
    return b"".join(source.read(*item) for item, its in zip(items, frame_of, strict=True) if its == header.frame)
