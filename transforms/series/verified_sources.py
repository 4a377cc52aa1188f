"""Files whose headers decide, although their pixels may never be read: compared with their checksums, in a zip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import COMPLETE_FILES, ENOUGH_SLICES
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.sources.byte_sources import ByteSource

from .slice_stack import SliceStack

# A damaged position stands out; more slices off the grid are rounded ones.
_MOST_OFF_THE_GRID = 2


def verify_all(sources: Iterable[ByteSource], gate: Gate) -> None:
    """Refuse files that are damaged, by the checksum that their place keeps."""
    for source in {id(source): source for source in sources}.values():
        try:
            source.verify()
        except OSError as error:
            got = f"one where {error.strerror or error}"
            gate.refuse(COMPLETE_FILES, got, source.name, [source.name], expected="a whole DICOM file")


def deciding_sources(headers: Sequence[SliceHeader], stack: SliceStack) -> list[ByteSource]:
    """Return the files that the grid is built on, and those that damage may have kept out of the stack.

    The pixels of every other slice are read, and so compared, before they count.

    Args:
        headers: all images of the place.
        stack: the slices that were chosen, and their grid.
    """
    slices = stack.slices
    deciding = [slices[0], slices[-1], *(slices[k] for k in _off_the_grid(stack))]
    used, sizes = set(map(id, slices)), Counter(header.series_uid for header in headers)
    # A changed UID makes a series of one slice; whole other series are another matter.
    deciding += [
        header
        for header in headers
        if id(header) not in used
        and (header.series_uid == slices[0].series_uid or sizes[header.series_uid] < ENOUGH_SLICES.limit)
    ]
    return [header.source for header in deciding]


def _off_the_grid(stack: SliceStack) -> list[int]:
    if stack.grid.slice_steps is None:
        return []
    even = np.rint(stack.grid.slice_steps)
    off = np.abs(stack.grid.slice_steps - even)
    return [int(k) for k in np.argsort(off)[-_MOST_OFF_THE_GRID:]]
