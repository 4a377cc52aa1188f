"""Results that are put into an archive: each once, however often it is tried."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydicom import dcmread

from .archive import Archive
from .errors import ArchiveError


def store_once(archive: Archive, paths: Iterable[Path]) -> int:
    """Put those objects into the archive that it does not hold, and return how many these were.

    Each is looked for afterwards: an archive may say that it took what it then lost.

    Raises:
        ArchiveError: the archive does not take one. Those before are stored, and the next call goes on.
    """
    n_stored = 0
    for path in paths:
        written = dcmread(path)
        if archive.holds(written):
            continue
        archive.store(written)
        if not archive.holds(written):
            raise ArchiveError(f"Expected {archive.url} to hold {written.SOPInstanceUID} once stored, got none")
        n_stored += 1
    return n_stored
