"""Files that are on the disk, and not in its cache alone, before anybody is told that they are."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from pathlib import Path


class DurableFolder:
    """A folder whose new files survive a power cut once `write` has returned.

    Args:
        path: the folder, which is there.
        helpers: flush the folder while the caller's thread flushes the file: one wait for the disk in place of two.
    """

    def __init__(self, path: Path, helpers: Executor) -> None:
        self.path, self._helpers = path, helpers

    def write(self, name: str, content: bytes) -> Path:
        """Write a new file and return its path; the name appears at once, and a file cut short by a crash may have it.

        Raises:
            OSError: the disk does not take it; nothing is left of it.
        """
        path = self.path / name
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            flushed = self._helpers.submit(flush, self.path)
            try:
                _write_all(file, content)
                os.fsync(file)
            finally:
                flushed.result()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)
        return path


def flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def flush_below(folder: Path) -> None:
    """Bring all files of a folder, and it and its folders, to the disk."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def _write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
