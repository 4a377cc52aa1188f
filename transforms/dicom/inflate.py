"""The dataset of a deflated DICOM file, as a file of its own that is inflated as far as it is asked for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from nodulus.transforms.gate.place_rules import fair_size
from nodulus.transforms.sources.byte_sources import ByteSource, MemorySource
from nodulus.transforms.sources.inflater import INFLATE_ERRORS, new_inflater

from .errors import CutShortError, InflatesTooFarError, MalformedError

# An enhanced CT of 1000 frames.
_MAX_INFLATED = 1 << 29


@dataclass(frozen=True)
class InflatedSource:
    """What the deflated dataset of a file inflates to, from its first element on; offsets count from there.

    Args:
        file: the file as it is stored.
        start: where its deflated bytes begin, after the meta group.
        size: length in bytes, once inflated.
    """

    file: ByteSource
    start: int
    size: int
    reads_anywhere: bool = False

    @property
    def name(self) -> str:
        """Name to show."""
        return self.file.name

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; no more is inflated than they need."""
        deflated = self.file.read(self.start, self.file.size)
        stop = max(offset + length, 1)  # zlib takes a limit of 0 for none
        try:
            return new_inflater(-zlib.MAX_WBITS).decompress(deflated, stop)[offset:stop]
        except INFLATE_ERRORS as error:
            raise OSError(f"the deflated dataset of {self.name} is damaged") from error

    def verify(self) -> None:
        """Compare the file with the checksum that its place keeps."""
        self.file.verify()


def inflate_dataset(file: ByteSource, start: int) -> MemorySource:
    """Return the whole dataset whose deflated bytes begin at ``start``, in memory.

    Raises:
        CutShortError: it ends early.
        MalformedError: it is damaged, or longer than a scan can be.
    """
    most = min(_MAX_INFLATED, fair_size(file.size))
    stream = new_inflater(-zlib.MAX_WBITS)
    try:
        dataset = stream.decompress(file.read(start, file.size), most)
    except INFLATE_ERRORS as error:
        raise MalformedError("its deflated dataset is damaged") from error
    if len(dataset) == most and not stream.eof:
        raise InflatesTooFarError(f"its deflated dataset is longer than {most} bytes")
    if not stream.eof:
        raise CutShortError("its deflated dataset ends early")
    return MemorySource(file.name, dataset)
