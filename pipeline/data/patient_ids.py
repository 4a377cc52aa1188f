"""When are two ids one patient's?"""

from __future__ import annotations

import unicodedata

# What pads an id and is seen by nobody: DICOM's zero byte, a byte-order mark, spaces of no width.
_UNSEEN = "\0\ufeff\u200b\u2060"


def patient_key(patient_id: str) -> str:
    """Return what the ids of one patient have in common: blanks around it, case and letters' width do not count.

    >>> patient_key(" LIDC-IDRI-0001") == patient_key("lidc-idri-0001")
    True
    """
    shown = unicodedata.normalize("NFKC", patient_id)
    while (trimmed := shown.strip().strip(_UNSEEN)) != shown:
        shown = trimmed
    return shown.casefold()
