"""The scans below a folder: image files by their names, DICOM series by their UIDs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nodulus.pipeline.nodules.scan_names import name_of_image
from nodulus.transforms.dicom import tags
from nodulus.transforms.dicom.elements import read_elements
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.problems import UsageError
from nodulus.transforms.sources.byte_sources import FileSource
from nodulus.transforms.sources.signatures import IMAGE_SUFFIXES

_NO_DICOM = (".xml", ".csv", ".json", ".txt", ".pdf", ".raw", ".zraw")
_WANTED = (tags.SERIES_INSTANCE_UID, tags.PATIENT_ID)


@dataclass(frozen=True)
class IndexedScan:
    """A scan below the folder: its place, and of a DICOM series whose it is by its own headers."""

    path: Path
    series_uid: str | None = None
    patient_id: str | None = None


@dataclass(frozen=True)
class ScanIndex:
    """The scans below a folder by all that a table may call them, in lower case.

    Args:
        root: the folder.
        scans: by file name without suffix, by series UID, by the name of a series' folder, and by path below ``root``.
    """

    root: Path
    scans: dict[str, list[IndexedScan]] = field(default_factory=dict)

    def find(self, name: str) -> IndexedScan:
        """Return the one scan of a name; a path below the root is one, too.

        Raises:
            UsageError: there is none, or several.
        """
        path = name.strip().replace("\\", "/").casefold()
        found = self.scans.get(path) or self.scans.get((name_of_image(name) or "").casefold()) or []
        places = sorted({str(scan.path) for scan in found})
        if len(found) != 1:
            what = "none" if not found else f"{len(found)}: {', '.join(places[:3])}"
            raise UsageError(f"Expected one scan called {name} below {self.root}, got {what}")
        return found[0]


def index_scans(root: Path) -> ScanIndex:
    """Return the scans below a folder; of each DICOM file nothing is read but who and which series.

    Raises:
        UsageError: there is no such folder, or no scan in it.
    """
    if not root.is_dir():
        raise UsageError(f"Expected a folder of scans, got {root}")
    index = ScanIndex(root)
    for names, scan in _scans(root):
        for name in dict.fromkeys(name.casefold() for name in names):
            index.scans.setdefault(name, []).append(scan)
    if not index.scans:
        raise UsageError(f"Expected scans below {root}, got none (MHA, MHD, NIfTI, NRRD or DICOM)")
    return index


def _scans(root: Path) -> Iterator[tuple[list[str], IndexedScan]]:
    for place, folders, files in os.walk(root):
        folders.sort()
        series: dict[str, str] = {}
        for name in sorted(files):
            path = Path(place) / name
            if name.lower().endswith(IMAGE_SUFFIXES):
                yield [name_of_image(name) or name, path.relative_to(root).as_posix()], IndexedScan(path)
            elif not name.lower().endswith(_NO_DICOM):
                series |= _series_of(path)
        folder = Path(place)
        for uid, patient_id in series.items():
            called = [folder.name, folder.relative_to(root).as_posix()] if len(series) == 1 else []
            yield [uid, *called], IndexedScan(folder, uid, patient_id)


def _series_of(path: Path) -> dict[str, str]:
    """Return the series UID of a DICOM file and the patient that it names; nothing of another file."""
    try:
        found = read_elements(FileSource(path, path.name, path.stat().st_size), _WANTED).values
    except (DicomError, OSError):
        return {}
    uid, patient = (found.get(tag, b"").decode("ascii", "replace").strip("\0 ") for tag in _WANTED)
    return {uid: patient} if uid else {}
