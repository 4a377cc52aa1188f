"""Who was scanned, in words for people: the same elements that the report and the bundle take over."""

from __future__ import annotations

from pydicom.dataset import Dataset

from .patient_and_study import patient_and_study


def patient_words(header: Dataset) -> dict[str, str]:
    """Return what a header says of its patient and study, by what each is called; empty what it does not say."""
    found = patient_and_study(header)
    return {
        "Patient": _name(str(found.PatientName)),
        "Patient ID": str(found.PatientID),
        "Born": _date(str(found.PatientBirthDate)),
        "Study date": _date(str(found.StudyDate)),
    }


def _name(text: str) -> str:
    """Return a name as people read it: its parts in their order, other ways to write it after a stroke.

    >>> _name("Yamada^Tarou=Y^T"), _name("DOE^JANE^^DR")
    ('Yamada Tarou / Y T', 'DOE JANE DR')
    """
    ways = (" ".join(filter(None, (part.strip() for part in way.split("^")))) for way in text.split("="))
    return " / ".join(filter(None, ways))


def _date(text: str) -> str:
    """Return a date as ISO 8601 writes it; what is none stays as it is.

    >>> _date("20240131"), _date("")
    ('2024-01-31', '')
    """
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdecimal() else text
