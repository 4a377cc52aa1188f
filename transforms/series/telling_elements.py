"""Which element of the headers, of whatever tag, tells stacks apart that alternate along a series."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from nodulus.transforms.dicom.elements import read_elements
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.dicom.tags import BEFORE_PIXELS, SERIES_INSTANCE_UID, Tag
from nodulus.transforms.dicom.values import decimal

_MAX_TEXT_BYTES = 256
# Big endian, which is retired, shows other numbers, and as many.
_NUMBER_FORMATS = {"FL": "<f", "FD": "<d", "US": "<H", "UL": "<I", "SS": "<h", "SL": "<i"}


class Alternate(Protocol):
    """Whether labels of slices, in the order of positions, alternate as those of even stacks do."""

    def __call__(self, labels: Sequence[str]) -> bool:
        """Return whether they do."""


def telling_element(slices: Sequence[SliceHeader], n_stacks: int, alternate: Alternate) -> tuple[str, list[str]] | None:
    """Return the keyword of the first element that tells stacks apart, and each slice's label by it; None without one.

    An element tells by its values where they are few; numbers that differ from slice to slice, by the blocks they are
    in: times of two phases, instance numbers of one phase after the other.

    Args:
        slices: the series in the order of positions.
        n_stacks: how many stacks the voxels show.
        alternate: what labels must do.
    """
    for tag, texts in _texts(slices):
        for labels in (texts, *_blocks(texts, n_stacks)):
            if 1 < len(set(labels)) <= len(slices) // 2 and alternate(labels):
                return _keyword(tag), labels
    return None


def _texts(slices: Sequence[SliceHeader]) -> Iterator[tuple[Tag, list[str]]]:
    """Yield each short element that some slice has, with its text in every slice; empty where a slice has none."""
    if any(header.pixels.n_frames > 1 for header in slices):
        return  # frames share one header
    try:
        values = [read_elements(header.source, BEFORE_PIXELS).values for header in slices]
    except (DicomError, OSError):  # the file has changed since its header was read
        return
    for tag in sorted({tag for found in values for tag in found if tag != SERIES_INSTANCE_UID}):
        of_slices = [found.get(tag, b"")[:_MAX_TEXT_BYTES] for found in values]
        if len(set(of_slices)) > 1:
            form = _number_format(tag)
            yield tag, [_text(value, form) for value in of_slices]


def _number_format(tag: Tag) -> str:
    """Return how `struct` reads the numbers of a binary element, empty for text and what no dictionary knows."""
    # Imported where it is needed: few series are so.
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    return _NUMBER_FORMATS.get(dictionary_VR(tag), "") if dictionary_has_tag(tag) else ""


def _text(value: bytes, number_format: str) -> str:
    """Return what an element says as text that can be shown."""
    if number_format and len(value) == struct.calcsize(number_format):
        return f"{struct.unpack(number_format, value)[0]:g}"
    text = value.decode("latin-1").strip("\0 ")
    return text if text.isprintable() else value.hex()


def _blocks(texts: Sequence[str], n_stacks: int) -> Iterator[list[str]]:
    """Yield labels of numbers by the block that each is in: between the widest gaps, and of equal size."""
    numbers = np.array([decimal(text) for text in texts])
    if not all(map(math.isfinite, numbers)):
        return
    order = np.argsort(numbers, kind="stable")
    in_order = numbers[order]
    gaps = np.diff(in_order)
    widest = np.sort(np.argsort(gaps)[len(gaps) - n_stacks + 1 :])
    equal = np.arange(1, n_stacks) * len(numbers) // n_stacks - 1
    for ends in (widest, equal):
        block = np.empty(len(numbers), dtype=np.int64)
        block[order] = np.searchsorted(ends, np.arange(len(numbers)), side="left")
        starts = in_order[[0, *(ends + 1)]]
        yield [f"{starts[index]:g}..." for index in block]


def _keyword(tag: Tag) -> str:
    # Imported where it is needed: few series are so.
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag) or f"element {tag >> 16:04X},{tag & 0xFFFF:04X}"
