"""A zip archive that several threads, and forked processes, read at once."""

from __future__ import annotations

import os
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SharedZip:
    """A zip archive of which each thread of each process opens its own ``ZipFile``.

    A ``ZipFile`` lets its members be read by several threads, but in Python 3.12 and 3.13 it skips a member's extra
    field by a seek relative to wherever another thread has left the file (``ZipFile.open``): the member is then read
    from a wrong place, without an error where it is stored. Forked processes share the place in any version.
    """

    path: Path
    _own: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def here(self) -> zipfile.ZipFile:
        """Return this thread's archive, opened when it is first asked for."""
        if getattr(self._own, "pid", None) != os.getpid():
            self._own.archive, self._own.pid = zipfile.ZipFile(self.path), os.getpid()
        archive: zipfile.ZipFile = self._own.archive
        return archive
