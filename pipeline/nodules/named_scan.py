"""Which scan a row of a table or an entry of JSON says that its nodule is of, whatever it calls the column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from .nodule import unpadded
from .scan_names import is_uid, name_of_image

# What names a scan, the likeliest first: a patient has several scans, but never another patient's; a folder may be
# that of all scans.
_SCAN_WORDS = ("case", "image", "img", "scan", "volume", "ct", "nifti", "nii", "dicom", "file", "path")
_PATIENT_WORDS = ("patient", "pat", "subject", "subj")
# What such a word may be followed by and still name a scan, unlike image_number or patient_age.
_ENDINGS = ("", "id", "name", "file", "filename", "path", "filepath")
# By themselves a size in mm3, and a modality.
_NO_NAMES = frozenset({"volume", "ct"})
_FOLDERS = ("folder", "dir", "directory")
_CASE_COLUMNS = (
    *(word + end for word in _SCAN_WORDS for end in _ENDINGS if word + end not in _NO_NAMES),
    *(word + end for word in _PATIENT_WORDS for end in ("", "id")),
    "pid",
    *(word + end for word in ("", *_SCAN_WORDS) for end in _FOLDERS),
)
_RANKS = {column: rank for rank, column in enumerate(_CASE_COLUMNS)}
# An image's UID is one slice's, and a nodule may have one as well.
_UID_COLUMNS = frozenset({"uid", *(f"{word}uid" for word in ("case", "scan", "volume", "ct", "nifti", "dicom"))})
_SERIES_COLUMNS = frozenset({"seriesuid", "seriesinstanceuid"})
_STUDY_COLUMNS = frozenset({"studyuid", "studyinstanceuid"})


@dataclass(frozen=True)
class NamedScan:
    """What a row or an entry says of its nodule's scan, as fields of `Nodule`, and which columns said it."""

    case_id: str | None = None
    series_uid: str | None = None
    study_uid: str | None = None
    frame_of_reference_uid: str | None = None
    told_by: frozenset[str] = frozenset()

    @property
    def fields(self) -> dict[str, str]:
        """What it says, by `Nodule`'s fields."""
        return {field: said for field in _FIELDS if (said := getattr(self, field)) is not None}


_FIELDS = ("case_id", "series_uid", "study_uid", "frame_of_reference_uid")


def named_scan(cells: Mapping[str, object], case_column: str | None = None) -> NamedScan:
    """Return the scan that a row's cells or an entry's values name.

    Args:
        cells: by column or key.
        case_column: the one that tells the case, by a name which is no path; None takes any that is called so.

    >>> named_scan({"Image File": "/data/p1.nii.gz", "diameter_mm": "8"}).case_id
    'p1'
    """
    best: dict[str, tuple[int, str]] = {}
    told_by = set()
    for column, value in cells.items():
        if (what := _what(column) if case_column is None else _what_beside(column, case_column)) is None:
            continue
        field, rank, needs_uid = what
        text = unpadded(str(value)) if isinstance(value, str | int | float) else ""
        if needs_uid and text and not is_uid(name_of_image(text) or ""):
            continue
        told_by.add(column)
        if text and (field not in best or rank < best[field][0]):
            best[field] = rank, text
    named = {field: text for field, (_, text) in best.items()}
    paths = ("series_uid",) if case_column is not None else ("case_id", "series_uid")
    named |= {field: name_of_image(named[field]) or named[field] for field in paths if field in named}
    return NamedScan(**named, told_by=frozenset(told_by))


def with_inner_names(entry: Mapping[str, object]) -> dict[str, object]:
    """Return an entry with what objects in it say of the scan beside its own values."""
    inner = [value for value in entry.values() if isinstance(value, Mapping)]
    named = {key: value for values in inner for key, value in values.items() if _what(key) and isinstance(value, str)}
    return {**named, **entry}


def _what_beside(column: str, case_column: str) -> tuple[str, int, bool] | None:
    """Return what `_what` does, where one column alone tells the case."""
    what = ("case_id", 0, False) if column == case_column else _what(column)
    return None if what and what[0] == "case_id" and column != case_column else what


@lru_cache(maxsize=1024)
def _what(column: str) -> tuple[str, int, bool] | None:
    """Return which field a column tells, its place among those that tell it too, and whether only a UID does."""
    plain = re.sub(r"[\W_]", "", column).casefold()
    if plain in _RANKS:
        return "case_id", _RANKS[plain], False
    if plain in _UID_COLUMNS:
        return "case_id", -1, True
    if "frameofreference" in plain or plain == "frameuid":
        return "frame_of_reference_uid", 0, True
    if "series" in plain:  # may hold a number or a description as well, which tell no series apart
        return "series_uid", 0 if plain in _SERIES_COLUMNS else 1, plain not in _SERIES_COLUMNS
    if "study" in plain:
        return "study_uid", 0 if plain in _STUDY_COLUMNS else 1, plain not in _STUDY_COLUMNS
    return None
