"""A file that several threads, and forked processes, read at once, each from a place of its own."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path


class SharedFile:
    """A file open for reading that has as many positions as threads.

    ``zipfile`` lets members be read by several threads, but skips a member's extra field by a seek relative to wherever
    another thread has left the file (``ZipFile.open``, Python 3.13 and before): the member is then read from a wrong
    place, without an error where it is stored. With a position for each thread that cannot happen.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        self._here = threading.local()
        self.name, self.mode = str(path), "rb"

    def tell(self) -> int:
        """Return this thread's position."""
        return getattr(self._here, "position", 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move this thread's position and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size()}[whence]
        if start + offset < 0:
            raise OSError(f"Expected a position in {self.name}, got {start + offset}")
        self._here.position = start + offset
        return self.tell()

    def read(self, n: int = -1) -> bytes:
        """Return up to ``n`` bytes from this thread's position, to the end of the file where ``n`` is negative."""
        position = self.tell()
        length = max(self._size() - position, 0) if n is None or n < 0 else n
        data = self._read_at(position, length)
        self._here.position = position + len(data)
        return data

    def seekable(self) -> bool:
        """Return that it is."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _read_at(self, position: int, length: int) -> bytes:
        if hasattr(os, "pread"):  # moves nothing, so that forked processes do not disturb each other either
            return os.pread(self._file.fileno(), length, position)
        with self._lock:
            self._file.seek(position, io.SEEK_SET)
            return self._file.read(length) or b""
