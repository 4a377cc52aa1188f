"""What inflates: zlib-ng where it is installed, which takes two thirds of the time, else Python's zlib."""

from __future__ import annotations

import zlib
from importlib import import_module
from types import ModuleType
from typing import Protocol


def _library() -> ModuleType:
    try:
        return import_module("zlib_ng.zlib_ng")
    except ImportError:  # an optional extra: `pip install nodulus[fast]`
        return zlib


_LIBRARY = _library()
# Not the same class, and a zip's members are inflated by Python's.
INFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error, _LIBRARY.error)


def checksum(data: bytes | bytearray) -> int:
    """Return the CRC-32 of some bytes."""
    return int(_LIBRARY.crc32(data))


class Inflater(Protocol):
    """A stream that is being inflated, of either library; it compares the checksum where the stream ends."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def unconsumed_tail(self) -> bytes:
        """What was given and is not inflated yet."""

    @property
    def unused_data(self) -> bytes:
        """What was given and lies behind the stream's end."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """Return what comes next, at most so many bytes."""

    def copy(self) -> Inflater:
        """Return another one that stands where this one does."""


def new_inflater(window_bits: int) -> Inflater:
    """Return what inflates a stream of a kind that zlib's ``wbits`` tells."""
    inflater: Inflater = _LIBRARY.decompressobj(window_bits)
    return inflater
