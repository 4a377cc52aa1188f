"""The whole header of a file as pydicom's dataset: who, when and how, for objects that are written about its image."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import MalformedError, pydicom_errors
from .slice_header import SliceHeader

if TYPE_CHECKING:
    from pydicom import Dataset

_MAX_HEADER_BYTES = 1 << 29


def header_dataset(header: SliceHeader) -> Dataset:
    """Return pydicom's dataset of what stands before the pixels.

    Raises:
        MalformedError: it cannot be parsed, or is longer than a header is.
        OSError: it cannot be read.
    """
    from pydicom import dcmread

    end = header.pixels.offset or header.source.size
    if end > _MAX_HEADER_BYTES:
        raise MalformedError(f"its header takes {end} bytes")
    start = io.BytesIO(header.source.read(0, end))
    with pydicom_at_work("its header is damaged"):
        return dcmread(start, stop_before_pixels=True, force=True)


@contextmanager
def pydicom_at_work(problem: str) -> Iterator[None]:
    """Turn what pydicom raises into MalformedError; nothing of ours runs inside, whose bugs would be hidden."""
    try:
        yield
    except pydicom_errors() as error:
        raise MalformedError(problem) from error
