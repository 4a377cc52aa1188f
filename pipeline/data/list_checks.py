"""What no data list may be: patients in two splits, a name twice, one image of two patients."""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.transforms.problems import UsageError

from .patient_ids import patient_key

if TYPE_CHECKING:
    from .data_list import DataList


def check_list(data: DataList, path: Path) -> None:
    """Refuse a data list that would test on what it trained on, or that names two things alike.

    Args:
        data: the list.
        path: of its file; image paths are relative to its folder.

    Raises:
        UsageError: a patient stands in two splits, a nodule_id twice in one, or an image belongs to two patients.
    """
    _check_patients(data, path)
    _check_names(data, path)
    _check_images(data, path)


def _check_patients(data: DataList, path: Path) -> None:
    """Refuse a list in which a patient stands in two splits, be the id written in two ways."""
    split_of: dict[str, str] = {}
    for split, item in data.items():
        first = split_of.setdefault(patient_key(item.patient_id), split)
        if first != split:
            raise UsageError(
                f"Expected each patient in one split, got {item.patient_id} in {first} and {split} of {path}"
            )


def _check_names(data: DataList, path: Path) -> None:
    """Refuse a split in which two nodules have one name, be it in two patients: predictions go by it."""
    count = Counter((split, item.nodule_id) for split, item in data.items())
    for (split, name), n in count.items():
        if n > 1:
            raise UsageError(f"Expected each nodule_id once in the {split} split of {path}, got {name!r} again")


def _check_images(data: DataList, path: Path) -> None:
    """Refuse an image that two patients share, under whatever path or link: one of the two is named wrong."""
    patient_of: dict[object, str] = {}
    identity = cache(_identity)
    for _, item in data.items():
        image = path.parent / item.image
        first = patient_of.setdefault(identity(image), item.patient_id)
        if patient_key(first) != patient_key(item.patient_id):
            got = f"{os.path.realpath(image)} of {first} and {item.patient_id}"
            raise UsageError(f"Expected each image of one patient, got {got} in {path}")


def _identity(image: Path) -> object:
    """Return what all names of one file share; its path where it is not there yet: a list may be read before it is."""
    try:
        status = image.stat()
    except (OSError, ValueError):
        return os.path.realpath(image)
    return status.st_dev, status.st_ino
