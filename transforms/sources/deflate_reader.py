"""Random access into a deflated (gzip or zlib) stretch of a file, without holding what it inflates to."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nodulus.transforms.gate.image_rules import SOUND_COMPRESSION, WHOLE_FILE
from nodulus.transforms.gate.verdict import refusal

from .inflater import INFLATE_ERRORS, Inflater, new_inflater
from .signatures import GZIP_MAGIC

# What was read and is not inflated yet is copied at each call, and that is dear where many small parts are read.
_READ_BYTES = 1 << 18
_BLOCK_BYTES = 1 << 18
_MAX_CHECKPOINTS = 128
_GZIP_OR_ZLIB = 47  # zlib's wbits: the largest window, the header tells which of the two


@dataclass(frozen=True)
class _Checkpoint:
    """The inflater as it stood before it gave the byte at ``position`` (45 to 110 kB each)."""

    position: int
    file_offset: int
    inflater: Inflater


class DeflateReader:
    """Reads any range of the inflated bytes; a read continues from the nearest checkpoint before it.

    Args:
        path: the file.
        offset: where the deflated bytes begin in it.
        checkpoint_bytes: inflated bytes between checkpoints, at first; 2 MiB inflate in about 10 ms.
    """

    def __init__(self, path: Path, offset: int = 0, checkpoint_bytes: int = 2 << 20) -> None:
        self._path = path
        self._step = checkpoint_bytes
        self._checkpoints = [_Checkpoint(0, offset, new_inflater(_GZIP_OR_ZLIB))]
        self._lock = threading.Lock()

    def read(self, start: int, n_bytes: int) -> bytes:
        """Return ``n_bytes`` from inflated position ``start``; fewer in the file means that it is cut off: refused."""
        data, stop = bytearray(), start + n_bytes
        with self._lock, self._path.open("rb") as file, closing(self._blocks_from(start, file)) as blocks:
            for position, block in blocks:
                data += block[max(start - position, 0) : max(stop - position, 0)]
                if len(data) >= n_bytes:
                    return bytes(data)
        expected = f"{stop} bytes once inflated"
        raise refusal(WHOLE_FILE, str(start + len(data)), self._path.name, expected=expected)

    def read_start(self, n_bytes: int) -> bytes:
        """Return the first ``n_bytes``, or all of them where there are fewer."""
        data = bytearray()
        with self._lock, self._path.open("rb") as file, closing(self._blocks_from(0, file)) as blocks:
            for _, block in blocks:
                data += block
                if len(data) >= n_bytes:
                    break
        return bytes(data[:n_bytes])

    def verified_size(self, most: int) -> int:
        """Return the number of inflated bytes, read to the end, where the stream's checksum is compared.

        Where there are more than ``most``, reading stops soon after, and the number is above ``most``.
        """
        n_bytes = 0
        with self._lock, self._path.open("rb") as file:
            for position, block in self._blocks_from(self._checkpoints[-1].position, file):
                n_bytes = position + len(block)
                if n_bytes > most:
                    break
        return n_bytes

    def _blocks_from(self, start: int, file: BinaryIO) -> Generator[tuple[int, bytes], None, None]:
        """Yield (position, bytes) from the nearest checkpoint at or before ``start`` to the end, setting new ones."""
        mark = next(point for point in reversed(self._checkpoints) if point.position <= start)
        position, inflater = mark.position, mark.inflater.copy()
        file.seek(mark.file_offset)
        waiting = b""
        while True:
            waiting = waiting or file.read(_READ_BYTES)
            block = self._inflate(inflater, waiting, position)
            yield position, block
            position += len(block)
            waiting = inflater.unconsumed_tail
            if inflater.eof:
                waiting = inflater.unused_data + file.read(len(GZIP_MAGIC))
                if not waiting.startswith(GZIP_MAGIC):
                    return
                inflater = new_inflater(_GZIP_OR_ZLIB)  # gzip files may be chained (bgzip, pigz)
            # A checkpoint keeps what waits: best it is nothing, but no stretch without one gets long.
            if position >= self._checkpoints[-1].position + (2 if waiting else 1) * self._step:
                self._checkpoints.append(_Checkpoint(position, file.tell() - len(waiting), inflater.copy()))
                self._thin_out()

    def _thin_out(self) -> None:
        """Forget every other checkpoint where there are too many: memory is bounded however long the stream."""
        if len(self._checkpoints) > _MAX_CHECKPOINTS:
            del self._checkpoints[1::2]
            self._step *= 2

    def _inflate(self, inflater: Inflater, data: bytes, position: int) -> bytes:
        try:
            block = inflater.decompress(data, _BLOCK_BYTES)
        except INFLATE_ERRORS as error:
            got = f"damage at or after byte {position} (inflated)"
            raise refusal(SOUND_COMPRESSION, got, self._path.name) from error
        if not data and not block and not inflater.eof:
            got = f"the end of the file after {position} bytes inflated"
            raise refusal(WHOLE_FILE, got, self._path.name, expected="the end of the compressed data")
        return block
