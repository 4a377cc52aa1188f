"""Nodules of DICOM objects: which reader is for which object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError

from nodulus.transforms.problems import UsageError

from .from_rtstruct import nodules_of_rtstruct
from .from_seg import nodules_of_seg
from .from_sr import nodules_of_sr
from .nodule import Nodule

Reader = Callable[[FileDataset], tuple[list[Nodule], list[str]]]

_READERS: dict[str, tuple[str, Reader]] = {
    "SR": ("dicom_sr", nodules_of_sr),
    "SEG": ("dicom_seg", nodules_of_seg),
    "RTSTRUCT": ("dicom_rtstruct", nodules_of_rtstruct),
}


def is_dicom(start: bytes, path: Path) -> bool:
    """Return whether a file that starts with these bytes is DICOM; without a preamble its name must say so."""
    return start[128:132] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def nodules_of_dicom(path: Path) -> tuple[str, list[Nodule], list[str]]:
    """Return the object's format (dicom_sr, dicom_seg, dicom_rtstruct), its nodules and notes."""
    try:
        dataset = pydicom.dcmread(path)
    except (InvalidDicomError, EOFError, OSError, ValueError) as error:
        raise UsageError(f"{path.name}: expected a DICOM SR, SEG or RTSTRUCT, got {error}") from error
    modality = str(dataset.get("Modality", "none"))
    if modality not in _READERS:
        raise UsageError(f"{path.name}: expected a DICOM SR, SEG or RTSTRUCT, got modality {modality}")
    format_name, read = _READERS[modality]
    try:
        nodules, notes = read(dataset)
    except UsageError as error:
        raise UsageError(f"{path.name}: {error}") from error
    except (AttributeError, KeyError, IndexError, ValueError, TypeError) as error:
        # A required attribute is missing or malformed: pydicom's message names it.
        raise UsageError(f"{path.name}: expected a complete {modality}, got {error}") from error
    if not nodules:
        raise UsageError(
            f"{path.name}: expected at least one nodule, got none{''.join(f' ({note})' for note in notes)}"
        )
    return format_name, _named_apart(nodules), notes


def _named_apart(nodules: Sequence[Nodule]) -> list[Nodule]:
    """Return the nodules with a number behind each name that was given before: DICOM asks no unique labels."""
    seen: dict[str, int] = {}
    apart = []
    for nodule in nodules:
        n = seen[nodule.nodule_id] = seen.get(nodule.nodule_id, 0) + 1
        apart.append(nodule if n == 1 else replace(nodule, nodule_id=f"{nodule.nodule_id} #{n}"))
    return apart
