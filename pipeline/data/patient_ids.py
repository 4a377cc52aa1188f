"""When are two ids one patient's?"""

from __future__ import annotations


def patient_key(patient_id: str) -> str:
    """Return what the ids of one patient have in common: blanks around an id and its case do not count.

    >>> patient_key(" LIDC-IDRI-0001") == patient_key("lidc-idri-0001")
    True
    """
    return patient_id.strip().casefold()
