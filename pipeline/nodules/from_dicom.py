"""Nodules of DICOM objects: which reader is for which object."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.inflate import inflate_dataset
from nodulus.transforms.dicom.transfer_syntaxes import DEFLATED_LITTLE
from nodulus.transforms.problems import UsageError, printable
from nodulus.transforms.sources.byte_sources import MemorySource

from .from_rtstruct import nodules_of_rtstruct
from .from_seg import nodules_of_seg
from .from_sr import nodules_of_sr
from .nodule import Nodule, named_apart
from .nodule_file import MAX_OBJECT_BYTES, read_bounded

# The preamble, DICM, and the element that tells the length of those after it.
_META_START = 144

Found = tuple[list[Nodule], list[str]]
Reader = Callable[[Dataset, Path | None], Found]

_READERS: dict[str, tuple[str, Reader]] = {
    "SR": ("dicom_sr", nodules_of_sr),
    "SEG": ("dicom_seg", lambda dataset, _: nodules_of_seg(dataset)),
    "RTSTRUCT": ("dicom_rtstruct", lambda dataset, _: nodules_of_rtstruct(dataset)),
}


def is_dicom(start: bytes, path: Path) -> bool:
    """Return whether a file that starts with these bytes is DICOM; without a preamble its name must say so."""
    return start[128:132] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def nodules_of_dicom(path: Path, scan: Path | None = None) -> tuple[str, list[Nodule], list[str]]:
    """Return the object's format (dicom_sr, dicom_seg, dicom_rtstruct), its nodules and notes.

    Args:
        path: the object.
        scan: the scan that it is about; a report's marks on images need their positions.
    """
    content = read_bounded(path, MAX_OBJECT_BYTES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pydicom finds odd and reads nevertheless
        try:
            format_name, (nodules, notes) = _read(content, path, scan)
        except UsageError as error:
            raise UsageError(f"{path.name}: {error}") from error
    if not nodules:
        why = "".join(f" ({note})" for note in notes)
        raise UsageError(f"{path.name}: expected at least one nodule, got none{why}")
    return format_name, named_apart(nodules), notes


def _read(content: bytes, path: Path, scan: Path | None) -> tuple[str, Found]:
    modality = "DICOM object"
    try:
        dataset = _dataset(content, path)
        modality = str(dataset.get("Modality", "none"))
        if modality not in _READERS:
            kind = UID(str(dataset.get("SOPClassUID") or "")).name
            raise UsageError(f"expected a DICOM SR, SEG or RTSTRUCT, got modality {modality} ({kind or 'no class'})")
        format_name, read = _READERS[modality]
        return format_name, read(dataset, scan)
    except UsageError:
        raise
    except Exception as error:  # pydicom parses late, and raises many kinds on what is missing or damaged
        what = printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise UsageError(f"expected a complete {modality}, got {what}") from error


def _dataset(content: bytes, path: Path) -> Dataset:
    """Return the object; a deflated one is inflated to a bounded size first."""
    try:
        meta = read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") != DEFLATED_LITTLE:
            return pydicom.dcmread(io.BytesIO(content))
        start = _META_START + int(meta.FileMetaInformationGroupLength)
        inflated = inflate_dataset(MemorySource(path.name, content), start).content
    except (InvalidDicomError, DicomError) as error:
        raise UsageError(f"expected a DICOM SR, SEG or RTSTRUCT, got {error}") from error
    dataset = read_dataset(io.BytesIO(inflated), is_implicit_VR=False, is_little_endian=True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset
