"""What do a series' headers call its patient?"""

from __future__ import annotations

from pathlib import Path

from nodulus.transforms.dicom import tags
from nodulus.transforms.dicom.elements import read_elements
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.problems import InputRefusedError

from .read_series import dicom_sources

_WANTED = (tags.SERIES_INSTANCE_UID, tags.PATIENT_ID)


def read_patient_id(path: Path, series_uid: str) -> str | None:
    """Return the PatientID of a DICOM series, by its first file that can be read; None where there is none.

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
            values = read_elements(source, _WANTED).values
        except (DicomError, OSError):
            continue
        uid, patient_id = (values.get(tag, b"").decode("latin-1").strip("\0 ") for tag in _WANTED)
        if uid == series_uid:
            return patient_id
    return None
