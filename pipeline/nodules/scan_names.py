"""How sources name the scan that their nodules are of, and whether that is this scan."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from nodulus.transforms.sources.signatures import IMAGE_SUFFIXES

# What may follow the name of an image.
_SUFFIXES = (".seg.nrrd", *IMAGE_SUFFIXES, ".dcm", ".zip")
_UID = re.compile(r"[0-2](\.\d+){4,}")

# Columns and keys by which tables name a scan, in lower case and without underscores.
# The likeliest first: a patient has several scans, but never another patient's.
CASE_COLUMNS = (
    *("case", "caseid", "image", "imageid", "imagename", "imagefile", "imagepath", "scan", "scanid", "scanname"),
    *("file", "filename", "filepath", "path", "patient", "patientid", "subject", "subjectid"),
)
# May also hold a number or a description, which tells no series apart.
MAYBE_SERIES_COLUMNS = frozenset({"series", "seriesid"})
SERIES_COLUMNS = frozenset({"seriesuid", "seriesinstanceuid"})
STUDY_COLUMNS = frozenset({"studyuid", "studyinstanceuid"})
FRAME_COLUMNS = frozenset({"frameofreferenceuid"})


def name_of_image(image: object) -> str | None:
    """Return an image's name without folder and suffix, None for what is no name.

    >>> name_of_image("/data/scan_7.nii.gz")
    'scan_7'
    """
    if not isinstance(image, str) or not image.strip():
        return None
    name = PurePosixPath(image.strip().replace("\\", "/")).name or image
    return next((name[: -len(suffix)] for suffix in _SUFFIXES if name.lower().endswith(suffix)), name)


# PATIENT/STUDY/SERIES, as archives sort their files: names further up are not the scan's.
_MAX_FOLDERS = 3


def names_of_scan(scan: Path) -> tuple[str, ...]:
    """Return what a scan may be called in a table, the likeliest first: its own name, then those of its folders."""
    places = [scan.resolve(), *list(scan.resolve().parents)[:_MAX_FOLDERS]]
    return tuple(name for place in places if (name := name_of_image(place.name)))


def is_named(name: str, wanted: Iterable[str]) -> bool:
    """Return whether a name is one of those wanted, whatever its letters' case."""
    return name.strip().casefold() in {suffix.strip().casefold() for suffix in wanted}


def plain_column(column: str) -> str:
    """Return a column's or key's name as it is listed here: in lower case, without underscores and blanks."""
    return column.lower().replace("_", "").replace(" ", "")


def is_uid(name: str) -> bool:
    """Return whether a name has the form of a DICOM UID."""
    return _UID.fullmatch(name) is not None
