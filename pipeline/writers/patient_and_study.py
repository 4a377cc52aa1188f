"""Who was scanned, and in which study: what an object about an image takes over from the image's header."""

from __future__ import annotations

import warnings

from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.valuerep import validate_value

from nodulus.pipeline.nodules.dicom_fields import text
from nodulus.transforms.problems import UsageError

# Objects of one patient and one study are found by these: they are taken over as they are, even where malformed.
_IDENTITY = ("PatientName", "PatientID", "StudyInstanceUID")
# Required, if only empty (type 2 in PS3.3 C.7.1.1 and C.7.2.1).
_NEEDED = ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber")
_NEEDED_TOO = ("ReferringPhysicianName",)
_TAKEN_IF_THERE = ("IssuerOfPatientID", "PatientAge", "StudyDescription", "DeidentificationMethod")
_SEXES = ("M", "F", "O")


def patient_and_study(header: Dataset) -> Dataset:
    """Return the patient's and the study's elements in UTF-8; of what is missing or malformed the value is empty."""
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pydicom finds odd and reads nevertheless
        for keyword in _IDENTITY:
            setattr(found, keyword, _value(header, keyword))
        for keyword in (*_NEEDED, *_NEEDED_TOO):
            setattr(found, keyword, _sound_value(header, keyword))
        for keyword in _TAKEN_IF_THERE:
            if value := _sound_value(header, keyword):
                setattr(found, keyword, value)
        if found.PatientSex not in _SEXES:
            found.PatientSex = ""
        # It needs to be said how; where that is coded alone, the code says it.
        if _value(header, "PatientIdentityRemoved") == "YES" and "DeidentificationMethod" in found:
            found.PatientIdentityRemoved = "YES"
    return found


def _value(header: Dataset, keyword: str) -> str:
    """Return the first value as text, empty where there is none or it is damaged."""
    try:
        return text(header, keyword).split("\\")[0]
    except UsageError:
        return ""


def _sound_value(header: Dataset, keyword: str) -> str:
    value = _value(header, keyword)
    try:
        validate_value(dictionary_VR(keyword), value, RAISE)
    except ValueError:
        return ""
    return value
