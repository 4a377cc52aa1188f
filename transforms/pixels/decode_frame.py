"""One compressed frame as stored numbers; its stream is checked before a decoder in C sees it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import PixelLayout

from .errors import BrokenPixelsError, OtherBitsError
from .jpeg2000_segments import read_jpeg2000
from .jpeg_bits import check_bits
from .jpeg_segments import BASELINE_FRAME, EXTENDED_FRAME, JPEG_LS_FRAME, LOSSLESS_FRAME, read_jpeg
from .rle_frame import decode_rle

Stored = NDArray[np.integer[Any]]

# What the decoders raise on damaged streams: openjpeg by itself, gdcm and pyjpegls through pydicom.
DECODE_ERRORS = (RuntimeError, ValueError)

_FRAMES = {
    transfer_syntaxes.JPEG_BASELINE: (BASELINE_FRAME,),
    transfer_syntaxes.JPEG_EXTENDED: (BASELINE_FRAME, EXTENDED_FRAME),
    transfer_syntaxes.JPEG_LOSSLESS: (LOSSLESS_FRAME,),
    transfer_syntaxes.JPEG_LOSSLESS_SV1: (LOSSLESS_FRAME,),
    transfer_syntaxes.JPEG_LS_LOSSLESS: (JPEG_LS_FRAME,),
    transfer_syntaxes.JPEG_LS_NEAR_LOSSLESS: (JPEG_LS_FRAME,),
}


def decode_frame(stream: bytes, layout: PixelLayout) -> Stored:
    """Return the stored numbers of a frame, (rows, columns); BrokenPixelsError where it does not decode."""
    if layout.transfer_syntax == transfer_syntaxes.RLE_LOSSLESS:
        n_bytes = layout.bits_allocated // 8
        pixels = decode_rle(stream, layout.rows * layout.columns, n_bytes)
        return pixels.view(f"<u{n_bytes}").reshape(layout.rows, layout.columns)
    if layout.transfer_syntax in _FRAMES:
        return _decode_jpeg(stream, layout)
    return _decode_jpeg2000(stream, layout)


def _decode_jpeg2000(stream: bytes, layout: PixelLayout) -> Stored:
    # Imported where it is needed, as are the others: uncompressed scans do without.
    from openjpeg.utils import decode

    image = read_jpeg2000(stream)
    _expect_layout(layout, image.rows, image.columns, image.precision)
    if image.is_signed and not layout.is_signed:
        raise OtherBitsError("signed pixels under a header that says unsigned")
    with _library_at_work():
        pixels = decode(image.plain, 0)
    return _bits_of(pixels, image.precision, layout)


def _decode_jpeg(stream: bytes, layout: PixelLayout) -> Stored:
    image = read_jpeg(stream)
    if image.frame not in _FRAMES[layout.transfer_syntax]:
        raise BrokenPixelsError(f"JPEG process {image.frame:02X} under transfer syntax {layout.transfer_syntax}")
    _expect_layout(layout, image.rows, image.columns, image.precision)
    plugin = "pyjpegls" if image.frame == JPEG_LS_FRAME else "gdcm"
    pixels = _bits_of(_by_pydicom(image.plain, layout, plugin), image.precision, layout)
    if image.frame == LOSSLESS_FRAME:
        check_bits(image, pixels)
    return pixels


def _expect_layout(layout: PixelLayout, rows: int, columns: int, precision: int) -> None:
    if (rows, columns) != (layout.rows, layout.columns):
        raise BrokenPixelsError(f"a compressed image of {rows} x {columns}")
    # Some writers compress all bits that are allocated. Other numbers scale or shift what comes out.
    if precision not in (layout.bits_stored, layout.bits_allocated):
        got = f"a compressed image of {precision} bits where {layout.bits_stored} of {layout.bits_allocated} are stored"
        raise OtherBitsError(got)


def _bits_of(pixels: Stored, precision: int, layout: PixelLayout) -> Stored:
    """Return pixels as unsigned bits in the allocated width, with nothing above their precision."""
    bits = pixels.astype(f"u{layout.bits_allocated // 8}", casting="unsafe")
    if precision < layout.bits_allocated:
        bits &= bits.dtype.type((1 << precision) - 1)
    return bits


def _by_pydicom(stream: bytes, layout: PixelLayout, plugin: str) -> Stored:
    # Imported where it is needed: uncompressed scans do without.
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    _expect_refusals()
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
    wrapped = encapsulate([stream])
    with _library_at_work():
        array, _ = decoder.as_array(wrapped, index=0, raw=True, decoding_plugin=plugin, **options)
    return np.asarray(array)


@contextmanager
def _library_at_work() -> Iterator[None]:
    """Turn what a decoder raises into BrokenPixelsError; nothing of ours runs inside, whose bugs would be hidden."""
    try:
        yield
    except DECODE_ERRORS as error:
        raise BrokenPixelsError("a compressed image that its decoder refuses") from error


@cache
def _expect_refusals() -> None:
    """Keep Python from printing the tracebacks that pydicom logs of failed decodes: a refusal says it in one line."""
    logging.getLogger("pydicom").addHandler(logging.NullHandler())
