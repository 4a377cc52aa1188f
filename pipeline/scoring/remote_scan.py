"""A scan behind a URL: its bytes are fetched to this machine's disk for as long as its case is at work."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nodulus.pipeline.file_names import file_names
from nodulus.transforms.gate.place_rules import ARCHIVE_SIZE
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# What servers say of a file that tells one content from another: size, time of change, tag or version.
_TOLD = ("size", "mtime", "created", "last_modified", "LastModified", "updated", "ETag", "etag", "generation", "md5")
_LARGEST_BYTES = int(ARCHIVE_SIZE.limit * (1 << 30))
_PART_BYTES = 1 << 22
# A server that is busy may answer the next time; a file that is not there will not come.
_PAUSES_S = (0.5, 2.0)
_FOR_GOOD = (FileNotFoundError, PermissionError, IsADirectoryError)


@dataclass(frozen=True)
class RemoteScan:
    """A file that fsspec reads: NIfTI, MHA, NRRD, or a zip of a DICOM folder.

    Shown, recorded and compared without what lets its reader in: the user before the host, and what follows a ``?``.
    """

    url: str

    def __str__(self) -> str:
        """Return the URL without a password or a signature."""
        scheme, _, rest = self.url.partition("://")
        place = rest.partition("?")[0]
        host, slash, path = place.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    @property
    def name(self) -> str:
        """The file's name, which tells its format; the empty one of a URL that ends in a slash."""
        return unquote(str(self).rpartition("/")[2])

    @property
    def protocol(self) -> str:
        """The scheme: s3, gs, https, ..."""
        return self.url.partition("://")[0].lower()

    def stamp(self) -> str:
        """Return a hash of the size and the time or tag of the file where it lies; empty where nothing answers."""
        try:
            file_system, path = self._place()
            told = file_system.info(path)
        except Exception:  # of whatever library serves the protocol: fetching it will say what is wrong
            return ""
        return hashlib.sha256(repr([(name, str(told[name])) for name in _TOLD if name in told]).encode()).hexdigest()

    @contextmanager
    def fetched(self) -> Iterator[Path]:
        """Yield the path of a copy, which is gone afterwards.

        Raises:
            UsageError: there is no such file.
            InputRefusedError: ``unreadable``, when it cannot be fetched or is larger than a scan may be.
        """
        with tempfile.TemporaryDirectory(prefix="nodulus-", ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / file_names([self.name], fallback="scan")[0]
            self._fetch(copy)
            yield copy

    def _fetch(self, copy: Path) -> None:
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._copy(copy)
            except InputRefusedError:
                raise
            except FileNotFoundError as error:
                raise UsageError(f"Expected a scan at {self}, got no such file") from error
            except Exception as error:  # of whatever library serves the protocol
                if pause_s is None or isinstance(error, _FOR_GOOD):
                    # Its own words may hold the URL with all that opens it.
                    raise self._refused("a file that can be fetched", type(error).__name__) from error
                time.sleep(pause_s)

    def _copy(self, copy: Path) -> None:
        """Write what the file holds, and no more of it than a scan may have."""
        file_system, path = self._place()
        n_stated = file_system.info(path).get("size")
        n_bytes = 0
        with file_system.open(path, "rb") as source, copy.open("wb") as target:
            while part := source.read(_PART_BYTES):
                n_bytes += len(part)
                if n_bytes > _LARGEST_BYTES:
                    raise self._refused(f"a file of at most {ARCHIVE_SIZE.limit}", "more")
                target.write(part)
        if n_stated not in (None, n_bytes):
            raise OSError(f"{n_bytes} of {n_stated} bytes")

    def _refused(self, expected: str, got: str) -> InputRefusedError:
        return InputRefusedError(Problem(ProblemCode.UNREADABLE, f"Expected {expected}, got {got} at {self}"))

    def _place(self) -> tuple[Any, str]:
        import fsspec

        file_system, path = fsspec.url_to_fs(self.url)
        return file_system, path


def place_of(folder: Path, name: str) -> Path | RemoteScan:
    """Return where a table says that a scan is: behind a URL, or at a path from the table's folder."""
    return RemoteScan(name) if _URL.match(name) else folder / name


@contextmanager
def on_disk(place: Path | RemoteScan) -> Iterator[Path]:
    """Yield where a scan lies on this machine's disk, for as long as it is needed."""
    if isinstance(place, RemoteScan):
        with place.fetched() as copy:
            yield copy
    else:
        yield place


def check_fetchable(places: Iterable[Path | RemoteScan]) -> None:
    """Raise UsageError unless what some scans are fetched with is installed."""
    for protocol in sorted({place.protocol for place in places if isinstance(place, RemoteScan)}):
        try:
            import fsspec

            fsspec.get_filesystem_class(protocol)
        except ValueError as error:
            raise UsageError(f"Expected a protocol that fsspec knows, got {protocol}://") from error
        except ImportError as error:
            is_there = find_spec("fsspec") is not None
            need = str(error) if is_there else "fsspec: pip install 'nodulus[remote]'"
            raise UsageError(f"Expected what {protocol}:// is read with to be installed, got none: {need}") from error
