"""Inflates the dataset of a deflated DICOM file, to a bounded size."""

from __future__ import annotations

import zlib

from nodulus.transforms.gate.place_rules import fair_size

from .errors import CutShortError, InflatesTooFarError, MalformedError

# An enhanced CT of 1000 frames.
_MAX_INFLATED = 1 << 29


def inflate_dataset(file_bytes: bytes, start: int) -> bytes:
    """Return the bytes before ``start`` as they are, and what those after it inflate to."""
    most = min(_MAX_INFLATED, fair_size(len(file_bytes)))
    try:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        dataset = stream.decompress(memoryview(file_bytes)[start:], most)
    except zlib.error as error:
        raise MalformedError("its deflated dataset is damaged") from error
    if len(dataset) == most and not stream.eof:
        raise InflatesTooFarError(f"its deflated dataset is longer than {most} bytes")
    if not stream.eof:
        raise CutShortError("its deflated dataset ends early")
    return file_bytes[:start] + dataset
