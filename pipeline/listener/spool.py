"""The listener's folder: what was acknowledged is in it, whole, whatever happens afterwards."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from nodulus.transforms.problems import UsageError

from .arrival import Arrival, Kind, UnusableError, read_arrival
from .durable import DurableFolder, flush
from .names import Names
from .settings import Limits

_FOLDERS = ("incoming", "studies", "work", "gone")
_ENDS = tuple(kind.value for kind in Kind)


class FullError(OSError):
    """There is no room for an object."""


class OtherContentError(ValueError):
    """An object came again under its UID, with other bytes."""


@dataclass(frozen=True)
class Stored:
    """Which study an object is in, and whether it is new there."""

    study: str
    is_new: bool


class Spool:
    """Objects by study and series, each once, under names that are hashes.

    An object is written to the folder ``incoming`` under the hash of its content and flushed, with the folder. Then it
    counts as taken; that it moves to its study needs no flush, since what is found in ``incoming`` at the next start
    is moved then, if its content is whole.

    Args:
        folder: the spool, made where it is not there.
        limits: how much it takes.

    Raises:
        UsageError: another listener works on the folder.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self._limits = folder, limits
        for each in (folder, *(folder / name for name in _FOLDERS)):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        flush(folder)
        self._alone = _alone_in(folder)
        self._names = Names(folder)
        self._helpers = ThreadPoolExecutor(limits.associations, "flush")
        self._incoming = DurableFolder(folder / "incoming", self._helpers)
        self._numbers = itertools.count()
        self._lock = Lock()
        self._tidy_up()
        self._paths = {study.name: dict(_objects(study)) for study in (folder / "studies").iterdir()}
        self.used_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        self._take_in()

    def store(self, content: bytes, may_begin: Callable[[], bool] = lambda: True) -> Stored:
        """Take an object; once this returns it is on the disk.

        Args:
            content: of a DICOM file.
            may_begin: whether it may be the first of a study.

        Raises:
            UnusableError: it is nothing that an answer is made of.
            OtherContentError: its UID has other bytes already.
            FullError: there is no room.
            OSError: the disk does not take it.
        """
        arrival = read_arrival(content)
        study = self._names.of(arrival.study_uid)
        if (known := self._known(study, arrival)) is not None:
            return known
        if study not in self._paths and not may_begin():
            raise FullError("no room")
        self._reserve(len(content))
        try:
            digest = hashlib.sha256(content).hexdigest()
            path = self._incoming.write(f"{next(self._numbers)}-{digest}", content)
            return self._move(study, arrival, path)
        except BaseException:
            self._release(len(content))
            raise

    def studies(self) -> dict[str, int]:
        """Return how many objects each study has."""
        with self._lock:
            return {study: len(paths) for study, paths in self._paths.items() if paths}

    def place(self, study: str) -> Path:
        """Return the folder of a study."""
        return self.folder / "studies" / study

    def work_folder(self) -> Path:
        """Return the folder in which answers are made."""
        return self.folder / "work"

    def add_bytes(self, n_bytes: int) -> None:
        """Count what somebody else has written into the spool."""
        with self._lock:
            self.used_bytes += n_bytes

    def remove(self, study: str, n_objects: int) -> bool:
        """Remove a study that has so many objects and return whether it was: not where another has come."""
        with self._lock:
            if len(self._paths.get(study, ())) != n_objects:
                return False
            gone = self.folder / "gone" / f"{study}-{next(self._numbers)}"  # half of one is never left under its name
            self.place(study).rename(gone)
            self._paths.pop(study, None)
        n_bytes = sum(path.stat().st_size for path in gone.rglob("*") if path.is_file())
        shutil.rmtree(gone, ignore_errors=True)
        self._release(n_bytes)
        return True

    def close(self) -> None:
        """Let another listener work on the folder."""
        self._helpers.shutdown()
        self._alone.release()

    def _known(self, study: str, arrival: Arrival) -> Stored | None:
        """Return that an object is there already, None where it is not."""
        with self._lock:
            path = self._paths.get(study, {}).get(self._names.of(arrival.sop_uid))
        if path is None:
            return None
        if path.read_bytes() != arrival.content:
            raise OtherContentError("its UID has other bytes already")
        return Stored(study, is_new=False)

    def _move(self, study: str, arrival: Arrival, path: Path) -> Stored:
        """Move an object from ``incoming`` to its study; of two that came at the same time, the first."""
        name = self._names.of(arrival.sop_uid)
        target = self.place(study) / self._names.of(arrival.series_uid) / f"{name}{arrival.kind.value}"
        with self._lock:
            paths = self._paths.setdefault(study, {})
            if is_new := name not in paths:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.rename(target)
                paths[name] = target
        if is_new:
            return Stored(study, is_new=True)
        known = self._known(study, arrival)
        path.unlink()
        self._release(len(arrival.content))
        return known or Stored(study, is_new=False)

    def _reserve(self, n_bytes: int) -> None:
        disk = os.statvfs(self.folder)
        with self._lock:
            is_full = self.used_bytes + n_bytes > self._limits.spool_bytes
            if is_full or disk.f_bavail * disk.f_frsize - n_bytes < self._limits.free_bytes:
                raise FullError("no room")
            self.used_bytes += n_bytes

    def _release(self, n_bytes: int) -> None:
        with self._lock:
            self.used_bytes -= n_bytes

    def _tidy_up(self) -> None:
        """Remove what was not finished when the last listener ended."""
        for name in ("work", "gone"):
            for path in (self.folder / name).iterdir():
                shutil.rmtree(path, ignore_errors=True)

    def _take_in(self) -> None:
        """Move what was taken, and not moved, to its study; what was not whole had not been acknowledged."""
        for path in sorted((self.folder / "incoming").iterdir()):
            content = path.read_bytes()
            if path.name.partition("-")[2] == hashlib.sha256(content).hexdigest():
                with suppress(UnusableError, OtherContentError):
                    arrival = read_arrival(content)
                    self._move(self._names.of(arrival.study_uid), arrival, path)
            if path.exists():
                path.unlink()
                self._release(len(content))


def _objects(study: Path) -> Iterator[tuple[str, Path]]:
    """Yield the objects of a study: name and path."""
    for path in study.glob("*/*.dcm"):
        for end in _ENDS:
            if path.name.endswith(end):
                yield path.name.removesuffix(end), path


def _alone_in(folder: Path) -> FileLock:
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"Expected a spool that no other listener works on, got {folder}") from None
    return lock
