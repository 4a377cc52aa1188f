"""Who a series is of: read only where somebody asked for it by name, and nowhere kept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from nodulus.transforms.dicom import tags
from nodulus.transforms.dicom.elements import Elements, read_elements
from nodulus.transforms.dicom.errors import DicomError, pydicom_errors
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.problems import InputRefusedError

from .read_series import dicom_sources

_WANTED = (
    tags.SPECIFIC_CHARACTER_SET,
    tags.SERIES_INSTANCE_UID,
    tags.PATIENT_NAME,
    tags.PATIENT_ID,
    tags.PATIENT_BIRTH_DATE,
    tags.STUDY_DATE,
)
# Shifts in and out of character sets end here, PS3.5 6.1.2.5.3: at a line's end, and in a name at the parts' signs.
_ENDS, _ENDS_OF_NAME = {0x09, 0x0A, 0x0C, 0x0D}, {0x5E, 0x3D}


@dataclass(frozen=True)
class Patient:
    """Whose study it is, as its headers say; empty what they do not."""

    name: str
    patient_id: str
    birth_date: str
    study_date: str


def read_patient(path: Path, series_uid: str) -> Patient | None:
    """Return the patient of a DICOM series, by its first file that can be read; None where there is none.

    Args:
        path: the folder, zip or file that the series was read from.
        series_uid: which series.
    """
    try:
        sources = dicom_sources(path, Gate())
    except InputRefusedError:  # the place has changed since the series was read
        return None
    for source in sources:
        try:
            elements = read_elements(source, _WANTED)
        except (DicomError, OSError):
            continue
        if _text(elements, tags.SERIES_INSTANCE_UID) == series_uid:
            return Patient(
                name=_name(_text(elements, tags.PATIENT_NAME, _ENDS | _ENDS_OF_NAME)),
                patient_id=_text(elements, tags.PATIENT_ID),
                birth_date=_date(_text(elements, tags.PATIENT_BIRTH_DATE)),
                study_date=_date(_text(elements, tags.STUDY_DATE)),
            )
    return None


def _text(elements: Elements, tag: int, ends: set[int] = _ENDS) -> str:
    """Return an element's text in the character sets that the file states; as latin-1 where they are none."""
    from pydicom.charset import convert_encodings, decode_bytes  # loaded late: scans are read without it

    value = elements.values.get(tag, b"")
    stated = elements.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unknown sets and letters that they lack: the rest is readable
            text = decode_bytes(value, convert_encodings([one.strip("\0 ") for one in stated.split("\\")]), ends)
    except pydicom_errors():
        text = value.decode("latin-1")
    return text.strip("\0 ")


def _name(text: str) -> str:
    """Return a name as people read it: its parts in their order, other ways to write it after a stroke.

    >>> _name("Yamada^Tarou=Y^T"), _name("DOE^JANE^^DR")
    ('Yamada Tarou / Y T', 'DOE JANE DR')
    """
    ways = (" ".join(filter(None, (part.strip() for part in way.split("^")))) for way in text.split("="))
    return " / ".join(filter(None, ways))


def _date(text: str) -> str:
    """Return a date as ISO 8601 writes it; what is none stays as it is.

    >>> _date("20240131"), _date("unknown")
    ('2024-01-31', 'unknown')
    """
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdecimal() else text
