"""Nodules of DICOM objects: which reader is for which object."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.inflate import inflate_dataset
from nodulus.transforms.dicom.transfer_syntaxes import DEFLATED_LITTLE
from nodulus.transforms.problems import UsageError
from nodulus.transforms.sources.byte_sources import MemorySource

from .dicom_fields import pydicom_at_work, text, uid, whole
from .from_rtstruct import nodules_of_rtstruct
from .from_seg import nodules_of_seg
from .from_sr import nodules_of_sr
from .nodule import Nodule, named_apart
from .nodule_file import MAX_OBJECT_BYTES, read_bounded

# The preamble, DICM, and the element that tells the length of those after it.
_META_START = 144
_EXPECTED = "expected a DICOM SR, SEG or RTSTRUCT"

Found = tuple[list[Nodule], list[str]]
Reader = Callable[[Dataset, Path | None], Found]

_READERS: dict[str, tuple[str, Reader]] = {
    "SR": ("dicom_sr", nodules_of_sr),
    "SEG": ("dicom_seg", lambda dataset, _: nodules_of_seg(dataset)),
    "RTSTRUCT": ("dicom_rtstruct", lambda dataset, _: nodules_of_rtstruct(dataset)),
}


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
    dataset = _dataset(content, path)
    modality = text(dataset, "Modality") or "none"
    if modality not in _READERS:
        kind = UID(text(dataset, "SOPClassUID")).name
        raise UsageError(f"{_EXPECTED}, got modality {modality} ({kind or 'no class'})")
    format_name, read = _READERS[modality]
    nodules, notes = read(dataset, scan)
    study_uid = uid(dataset, "StudyInstanceUID")
    return format_name, ([_of_study(nodule, study_uid) for nodule in nodules], notes)


def _of_study(nodule: Nodule, study_uid: str | None) -> Nodule:
    """Return the nodule with its object's study, where nothing nearer tells whose it is; some write a study anew."""
    is_told = nodule.series_uid or nodule.frame_of_reference_uid
    return nodule if is_told else replace(nodule, study_uid=study_uid)


def _dataset(content: bytes, path: Path) -> Dataset:
    """Return the object; a deflated one is inflated to a bounded size first."""
    with pydicom_at_work(f"{_EXPECTED}, got a file that does not begin as DICOM does, or a damaged one"):
        meta = read_file_meta_info(path)
    if uid(meta, "TransferSyntaxUID") != DEFLATED_LITTLE:
        with pydicom_at_work(f"{_EXPECTED}, got a damaged file"):
            return pydicom.dcmread(io.BytesIO(content))
    start = _META_START + whole(meta, "FileMetaInformationGroupLength")
    try:
        inflated = inflate_dataset(MemorySource(path.name, content), start).content
    except DicomError as error:
        raise UsageError(f"{_EXPECTED}, got {error}") from error
    with pydicom_at_work(f"{_EXPECTED}, got a damaged file"):
        dataset = read_dataset(io.BytesIO(inflated), is_implicit_VR=False, is_little_endian=True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset
