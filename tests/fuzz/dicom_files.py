"""DICOM files: one slice of a series, or a file of many frames, with damaged elements or bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices
from tests.support.enhanced_writer import enhanced, item

from . import damage, dicom_damage
from .scans import is_same_scan, other_beside, other_frames, read_scan
from .subject import Family, Subject

_SPEC = SeriesSpec()
_LAST = len(_SPEC.positions) - 1


def _subjects(folder: Path) -> list[Subject]:
    series = [
        _one_slice(folder / f"explicit-{k}", ExplicitVRLittleEndian, k, dicom_damage.of_dicom) for k in (0, 2, _LAST)
    ]
    others = (
        ("implicit", ImplicitVRLittleEndian),
        ("big", ExplicitVRBigEndian),
        ("deflated", DeflatedExplicitVRLittleEndian),
    )
    bare = [_one_slice(folder / name, syntax, 2, damage.of_bytes) for name, syntax in others]
    return [*series, *series, *bare, *(_many_frames(folder / f"enhanced-{n}", bool(n)) for n in range(2))]


def _one_slice(folder: Path, syntax: str, k: int, damaging: damage.Damage) -> Subject:
    write_slices([_with_sequences(ds) for ds in _SPEC.slices()], folder, syntax)
    path = folder / f"{k:04d}.dcm"
    sound = path.read_bytes()
    pixels = sound[-2 * _SPEC.rows * _SPEC.columns :]

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return replace(read_scan(folder), are_pixels_kept=content.endswith(pixels))

    return Subject(folder.name, sound, damaging, read, is_same_scan, other_beside(k))


def _with_sequences(ds: Dataset) -> Dataset:
    code = item(CodeValue="113100", CodingSchemeDesignator="DCM", CodeMeaning="profile")
    ds.DeidentificationMethodCodeSequence = code
    ds.SourceImageSequence = item(ReferencedSOPClassUID=ds.SOPClassUID, PurposeOfReferenceCodeSequence=code)
    return ds


def _many_frames(folder: Path, is_compressed: bool) -> Subject:
    folder.mkdir()
    slices = _SPEC.slices()
    for ds in slices if is_compressed else ():
        ds.compress("1.2.840.10008.1.2.4.80", generate_instance_uid=False)
    path = folder / "frames.dcm"
    write_slice(enhanced(slices, is_compressed), path)

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return read_scan(path)

    return Subject(folder.name, path.read_bytes(), dicom_damage.of_dicom, read, is_same_scan, other_frames)


DICOM_FILES = Family("DICOM files", 250, _subjects)
