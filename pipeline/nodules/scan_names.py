"""How sources name the scan that their nodules are of, and whether that is this scan."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from nodulus.transforms.sources.signatures import IMAGE_SUFFIXES

from .nodule import unpadded

# What may follow the name of an image.
_SUFFIXES = (".seg.nrrd", *IMAGE_SUFFIXES, ".dcm", ".zip")
_UID = re.compile(r"[0-2](\.\d+){4,}")


def name_of_image(image: object) -> str | None:
    """Return an image's name without folder and suffix, None for what is no name.

    >>> name_of_image("/data/scan_7.nii.gz")
    'scan_7'
    """
    if not isinstance(image, str) or not (path := unpadded(image)):
        return None
    name = PurePosixPath(path.replace("\\", "/")).name or path
    return next((name[: -len(suffix)] for suffix in _SUFFIXES if name.lower().endswith(suffix)), name)


# PATIENT/STUDY/SERIES, as archives sort their files: names further up are not the scan's.
_MAX_FOLDERS = 3
# nnU-Net's for the first channel of an image, which tables leave out.
_CHANNEL = "_0000"


def names_of_scan(scan: Path) -> tuple[str, ...]:
    """Return what a scan may be called in a table, the likeliest first: its own name, then those of its folders."""
    places = [scan.resolve(), *list(scan.resolve().parents)[:_MAX_FOLDERS]]
    names = [name for place in places if (name := name_of_image(place.name))]
    return (*names[:1], *(name.removesuffix(_CHANNEL) for name in names[:1] if name.endswith(_CHANNEL)), *names[1:])


def is_named(name: str, wanted: Iterable[str]) -> bool:
    """Return whether a name is one of those wanted, whatever its letters' case."""
    return unpadded(name).casefold() in {unpadded(one).casefold() for one in wanted}


def is_uid(name: str) -> bool:
    """Return whether a name has the form of a DICOM UID."""
    return _UID.fullmatch(name) is not None
