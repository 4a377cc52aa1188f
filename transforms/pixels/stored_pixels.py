"""The stored numbers of one slice: raw bytes where they are raw, decoded otherwise."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom import transfer_syntaxes
from nodulus.transforms.dicom.slice_header import PixelLayout, SliceHeader
from nodulus.transforms.gate.series_rules import COMPLETE_FILES
from nodulus.transforms.gate.value_rules import ENCODED_BITS
from nodulus.transforms.gate.verdict import refusal
from nodulus.transforms.problems import InputRefusedError

from .decode_frame import decode_frame
from .errors import BrokenPixelsError, OtherBitsError
from .fragments import compressed_frame

Stored = NDArray[np.integer[Any]]

logger = logging.getLogger(__name__)


def read_stored(header: SliceHeader, rows: slice, columns: slice) -> Stored:
    """Return the stored numbers of a part of a slice, (rows, columns), in the header's bits and sign.

    Raises:
        InputRefusedError: the file is too short, or its pixels do not decode.
    """
    return signed_numbers(read_words(header, rows, columns), header.pixels)


def read_words(header: SliceHeader, rows: slice, columns: slice) -> Stored:
    """Return the words of a part of a slice as they are stored, with the bits above BitsStored."""
    layout = header.pixels
    try:
        if layout.transfer_syntax in transfer_syntaxes.RAW:
            return _raw_rows(header, rows)[:, columns]
        return decode_frame(compressed_frame(header), layout)[rows, columns]
    except OtherBitsError as error:
        raise refusal(ENCODED_BITS, str(error), header.name, (header.place,)) from error
    except BrokenPixelsError as error:
        raise _undecodable(header, str(error)) from error
    except OSError as error:
        raise _undecodable(header, error.strerror or str(error)) from error


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


def _undecodable(header: SliceHeader, what: str) -> InputRefusedError:
    size = f"{header.pixels.rows} x {header.pixels.columns} pixels"
    # The decoder's own words are in the chain of causes.
    logger.debug("%s does not decode: %s", header.name, what, exc_info=True)
    return refusal(COMPLETE_FILES, what, header.name, (header.place,), expected=f"{size} that decode")


def _raw_rows(header: SliceHeader, rows: slice) -> Stored:
    layout = header.pixels
    row_bytes = layout.columns * (layout.bits_allocated // 8)
    offset = layout.offset + header.frame * frame_bytes(layout) + rows.start * row_bytes
    length = (rows.stop - rows.start) * row_bytes
    data = header.source.read(offset, length)
    if len(data) != length:
        raise BrokenPixelsError(f"{len(data)} of {length} bytes")
    order = "<" if layout.is_little_endian else ">"
    return np.frombuffer(data, f"{order}u{layout.bits_allocated // 8}").reshape(-1, layout.columns)
