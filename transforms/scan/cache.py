"""Keeps the last scans open: headers are not read twice as long as the files stay as they are."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from nodulus.transforms.gate.place_rules import FOLDER_DEPTH
from nodulus.transforms.problems import problem_codes
from nodulus.transforms.volume import CTVolume

from .open import is_place, open_ct

Stamp = tuple[tuple[str, int, int], ...]
_HEADERS_ALONE = (".mhd", ".nhdr")


class ScanCache:
    """The scans that its owner opened last, each with a stamp of its files: names, sizes, times of change.

    Who opens the same scans again and again (a ``Scorer``, an ``OpenCTd``) has one of its own. A copy starts empty:
    locks and open scans cannot follow a transform into another process.

    Args:
        max_scans: how many are kept; headers only, some 100 KiB each.
    """

    def __init__(self, max_scans: int = 8) -> None:
        self.max_scans = max_scans
        self.n_opened = 0  # how often a scan was read, and was not found here
        self._scans: OrderedDict[Hashable, tuple[Stamp, CTVolume]] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[ScanCache], tuple[int]]:
        return ScanCache, (self.max_scans,)

    def open(
        self,
        path: str | Path,
        *,
        allow: str | Collection[str] = (),
        series_uid: str | None = None,
        expect_lung: bool = True,
    ) -> CTVolume:
        """Return what ``open_ct`` does; a scan opened before, whose files have not changed, is not read again.

        Refusals are not kept.
        """
        place, codes = Path(path), problem_codes(allow)
        key = (str(place), str(place.absolute()), frozenset(codes), series_uid, expect_lung)
        # Of what is no file and no folder there is nothing to look at: it is refused below.
        stamp = file_stamp(place) if is_place(place) else ()
        with self._lock:
            kept = self._scans.get(key)
            if kept is not None and kept[0] == stamp:
                self._scans.move_to_end(key)
                return kept[1]
            self.n_opened += 1
        volume = open_ct(place, allow=codes, series_uid=series_uid, expect_lung=expect_lung)
        with self._lock:
            self._scans[key] = (stamp, volume)
            self._scans.move_to_end(key)
            while len(self._scans) > self.max_scans:
                self._scans.popitem(last=False)
        return volume

    def clear(self) -> None:
        """Forget every scan."""
        with self._lock:
            self._scans.clear()


def file_stamp(path: Path) -> Stamp:
    """Return names, sizes (bytes), times of change (ns): of all files below a folder, or of a file and its voxels'."""
    if path.is_dir():
        return tuple(sorted(_entries(str(path))))
    # A DICOMDIR stands for its folder; an .mhd or .nhdr names its voxels' file, which mostly shares its stem. Of others
    # the folder is not listed: it may hold as many scans as a table has cases.
    if path.name.upper() == "DICOMDIR":
        return file_stamp(path.parent)
    if path.suffix.lower() not in _HEADERS_ALONE:
        return (_entry(str(path), path.stat()),)
    kin = [path, *(other for other in path.parent.glob(f"{_glob_safe(path.stem)}.*") if other != path)]
    return tuple(sorted(_entry(str(sibling), sibling.stat()) for sibling in kin))


def _entries(folder: str) -> Iterator[tuple[str, int, int]]:
    # What cannot be listed or looked at is the gate's to report; here it is as if it were not there.
    for place, folders, names in os.walk(folder):
        if place.count(os.sep) - folder.count(os.sep) > FOLDER_DEPTH.limit:
            folders.clear()
        for name in names:
            with suppress(OSError):
                yield _entry(os.path.join(place, name), os.stat(os.path.join(place, name)))  # noqa: PTH116, PTH118  # a third of the time of a warm scan


def _entry(name: str, status: os.stat_result) -> tuple[str, int, int]:
    return name, status.st_size, status.st_mtime_ns


def _glob_safe(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)
