"""The kinds of DICOM object that are told apart (PS3.4 annex B, PS3.6 annex A)."""

from __future__ import annotations

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2.2"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

MULTI_FRAME_CT = frozenset({ENHANCED_CT_IMAGE, LEGACY_CONVERTED_ENHANCED_CT_IMAGE})
CT = frozenset({CT_IMAGE, *MULTI_FRAME_CT})


def class_name(uid: str) -> str:
    """Return a kind of object as messages name it.

    >>> class_name("1.2.840.10008.5.1.4.1.1.7")
    'Secondary Capture Image Storage (1.2.840.10008.5.1.4.1.1.7)'
    """
    # Imported where it is needed: of slices nobody asks.
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    name = UID(uid, validation_mode=IGNORE).name
    return f"{name} ({uid})" if name != uid else uid or "not given"
