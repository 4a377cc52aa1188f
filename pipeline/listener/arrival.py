"""What an object that arrives says of itself, as far as it decides where it belongs."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import Enum

from nodulus.transforms.dicom import sop_classes
from nodulus.transforms.dicom.elements import read_elements
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.tags import (
    MEDIA_STORAGE_SOP_CLASS_UID,
    MEDIA_STORAGE_SOP_INSTANCE_UID,
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from nodulus.transforms.sources.byte_sources import MemorySource

# The class of this implementation, as file meta headers name it: PS3.5 B.2, a UUID of our own.
_IMPLEMENTATION = b"2.25.157316018214309817650812713291273105411"
_UIDS = (SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID)
_STATED = (MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID)
_UID = re.compile(rb"[0-9.]{1,64}")

# Objects that mark nodules (PS3.4 annex B): segmentations, structure sets, and reports with measurements.
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (11, 22, 33, 34))
MARKS = frozenset({SEGMENTATION, STRUCTURE_SET, *REPORTS})


class Kind(str, Enum):
    """What an object is to us; the value is the end of its file's name."""

    IMAGE = ".ct.dcm"
    MARKS = ".mark.dcm"


KINDS = {**dict.fromkeys(sop_classes.CT, Kind.IMAGE), **dict.fromkeys(MARKS, Kind.MARKS)}


class UnusableError(ValueError):
    """An object that cannot be taken; ``code`` says whether it is damaged, another_kind, misnamed, or has no_uid."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Arrival:
    """An object: the UIDs that place it, what it is, and its file's content."""

    study_uid: str
    series_uid: str
    sop_uid: str
    kind: Kind
    content: bytes


def file_of(sop_class: str, sop_uid: str, transfer_syntax: str, dataset: bytes) -> bytes:
    """Return the content of the DICOM file of a data set that came over the network (PS3.10 7.1).

    Raises:
        UnusableError: what its sender calls it is no UID.
    """
    named = [_uid(text.encode("ascii", "replace")) for text in (sop_class, sop_uid, transfer_syntax)]
    numbers = (0x0002, 0x0003, 0x0010, 0x0012)
    values = [*(text.encode("ascii") for text in named), _IMPLEMENTATION]
    meta = struct.pack("<HH2sHL2s", 2, 1, b"OB", 0, 2, b"\0\1")
    for number, value in zip(numbers, values, strict=True):
        padded = value + b"\0" * (len(value) % 2)
        meta += struct.pack("<HH2sH", 2, number, b"UI", len(padded)) + padded
    return bytes(128) + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta)) + meta + dataset


def read_arrival(content: bytes) -> Arrival:
    """Return what an object says, the content of a DICOM file.

    Raises:
        UnusableError: it does not say it, or is of a kind that nothing is made of.
    """
    try:
        values = read_elements(MemorySource("object", content), (*_UIDS, *_STATED)).values
    except DicomError as error:
        raise UnusableError("damaged") from error
    sop_class, sop, study, series = (_uid(values.get(tag, b"")) for tag in _UIDS)
    if [sop_class, sop] != [_uid(values.get(tag, b"")) for tag in _STATED]:
        raise UnusableError("misnamed")
    if (kind := KINDS.get(sop_class)) is None:
        raise UnusableError("another_kind")
    return Arrival(study, series, sop, kind, content)


def _uid(value: bytes) -> str:
    stripped = value.rstrip(b"\0 ")
    if not _UID.fullmatch(stripped):
        raise UnusableError("no_uid")
    return stripped.decode("ascii")
