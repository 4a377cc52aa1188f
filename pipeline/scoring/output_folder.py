"""A folder that one run at a time writes to, and in which nothing of an earlier run looks like its result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from nodulus.pipeline.files import check_output_dir, write_errors_named
from nodulus.pipeline.pages.one_page import RESULTS, check_page_is_free
from nodulus.transforms.problems import UsageError, refusal_in

LOCK = ".nodulus.lock"
ASIDE = ".before"


class OutputFolder:
    """A folder that is one run's alone while the run lasts; the lock of a run that was killed holds nobody up.

    What an earlier run left under the names of this run's files is set aside at the start, as ``NAME.before``. It is
    put back when the call turns out to be wrong, removed when this run is done, and stays aside when it is broken off.

    Args:
        path: the folder, which need not be there yet.
        names: of the files and folders that this run writes.
        keep: those of them that it goes on with, and that stay where they are.

    Raises:
        UsageError: on entering, when the folder cannot be written to, holds an evaluation, or another run writes to it.
    """

    def __init__(self, path: Path, names: Collection[str], keep: Collection[str] = ()) -> None:
        self.path, self.names, self._keep = Path(path), tuple(names), tuple(keep)
        self._has_begun = False
        self._made: list[Path] = []
        self._aside: list[Path] = []
        self._lock: FileLock | None = None

    def __enter__(self) -> OutputFolder:
        check_output_dir(self.path)
        check_page_is_free(self.path, RESULTS)
        try:
            with write_errors_named(self.path):
                self._make()
                self._take_lock()
                self._set_old_aside()
        except UsageError as error:
            self._end(error)
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._end(error)

    def begin(self) -> None:
        """Note that the run's first file is written: from here on the call was right."""
        self._has_begun = True

    def renew(self) -> None:
        """Make and lock the folder again, where somebody has removed it.

        Raises:
            UsageError: another run has taken its place.
        """
        self._drop_lock()
        self.path.mkdir(parents=True, exist_ok=True)
        self._take_lock()

    def _make(self) -> None:
        for folder in (*reversed(self.path.absolute().parents), self.path.absolute()):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                self._made.append(folder)

    def _set_old_aside(self) -> None:
        for path in (self.path / name for name in self.names if name not in self._keep):
            if path.exists():
                _remove(_aside(path))
                path.replace(_aside(path))
                self._aside.append(path)

    def _end(self, error: BaseException | None) -> None:
        # What cannot be tidied up (the disk may be gone) must not hide how the run ended.
        with suppress(OSError):
            if error is None:
                for name in self.names:
                    _remove(_aside(self.path / name))
            elif not self._has_begun and isinstance(refusal_in(error), UsageError):
                for path in self._aside:
                    _aside(path).replace(path)
        self._drop_lock()
        if not self._has_begun:
            with suppress(OSError):  # nothing was written: the folders go again, unless they hold something
                for folder in reversed(self._made):
                    folder.rmdir()

    def _take_lock(self) -> None:
        lock = FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            msg = f"Expected an output folder that no other run writes to, got {self.path}, where one is at work"
            raise UsageError(msg) from None
        self._lock, self._locked = lock, (self.path / LOCK).stat()

    def _drop_lock(self) -> None:
        if self._lock is None:
            return
        with suppress(OSError):  # unlinked before it is released: the next run makes its own
            if os.path.samestat((self.path / LOCK).stat(), self._locked):
                (self.path / LOCK).unlink()
        self._lock.release()
        self._lock = None


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ASIDE)
