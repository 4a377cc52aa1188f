"""Reads a CT series from DICOM: every header is checked, and pixels are decoded when asked for."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom import sop_classes
from nodulus.transforms.dicom.enhanced_frames import frame_headers, is_multi_frame
from nodulus.transforms.dicom.errors import DicomError, NotDicomError
from nodulus.transforms.dicom.header_dataset import header_dataset
from nodulus.transforms.dicom.slice_header import SliceHeader, read_slice_header
from nodulus.transforms.gate.place_rules import FILE_SIZE, READABLE
from nodulus.transforms.gate.verdict import Gate, refusal
from nodulus.transforms.pixels.hounsfield_slices import read_slices
from nodulus.transforms.problems import ProblemCode, printable
from nodulus.transforms.sources.byte_sources import ByteSource, FileSource, folder_sources
from nodulus.transforms.sources.signatures import IMAGE_SUFFIXES, SIGNATURE_BYTES, archive_kind
from nodulus.transforms.sources.zip_sources import zip_sources
from nodulus.transforms.volume import CTVolume, SourceImage

from .damaged_files import DamagedFile, report_damage
from .duplicate_slices import drop_duplicates
from .interleaved_stacks import choose_stack, choose_stack_by_voxels
from .localizers import set_localizers_aside
from .pages import set_pages_aside
from .series_choice import choose_series
from .slab_steadiness import read_steady_box
from .slice_checks import check_each
from .slice_samples import SliceSamples
from .slice_stack import SliceStack, build_stack
from .slices_alike import check_alike
from .steady_values import check_steady
from .values import check_bits_at_changes, check_values
from .verified_sources import deciding_sources, verify_all

if TYPE_CHECKING:
    from pydicom import Dataset

_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")


def open_dicom(path: Path, *, allow: Collection[ProblemCode] = (), series_uid: str | None = None) -> CTVolume:
    """Return the CT series of a folder, a zip or a file, or raise InputRefusedError with what is wrong.

    Args:
        path: a folder (with its subfolders), a zip of one, one file, or a DICOMDIR, which stands for its folder.
        allow: problems that are admitted where their rule may be allowed.
        series_uid: the SeriesInstanceUID to read; None leaves the choice to the gate.
    """
    gate = Gate(allow)
    place = printable(path.name)
    headers = _read_headers(dicom_sources(path, gate), place, series_uid, gate)
    slices = set_localizers_aside(choose_series(headers, series_uid, gate, place), gate)
    slices = set_pages_aside(slices, gate)
    check_each(slices, gate)
    check_alike(slices, gate)
    in_order = choose_stack(drop_duplicates(slices, gate), gate)
    samples = SliceSamples(in_order)
    stack = build_stack(choose_stack_by_voxels(in_order, samples, gate), gate)
    check_bits_at_changes(stack.slices, samples, gate)
    check_steady(stack.slices, samples, gate)
    check_values(stack.slices, samples, gate)
    verify_all(deciding_sources(headers, stack), gate)
    return _volume(path, stack, gate)


def dicom_sources(path: Path, gate: Gate) -> list[ByteSource]:
    """Return the files of a folder, a zip or a DICOMDIR's folder, or the one file that a path names."""
    try:
        if path.is_dir():
            return folder_sources(path, gate)
        if path.name.upper() == "DICOMDIR":
            # The paths that it names are never followed.
            return folder_sources(path.parent, gate)
        with path.open("rb") as stream:
            is_zip = stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06") or path.suffix.lower() == ".zip"
        return zip_sources(path, gate) if is_zip else [FileSource(path, printable(path.name), path.stat().st_size)]
    except OSError as error:
        got, place = error.strerror or str(error), printable(path.name)
        raise refusal(READABLE, got, place, expected="a readable place") from error


def _read_headers(sources: Sequence[ByteSource], place: str, series_uid: str | None, gate: Gate) -> list[SliceHeader]:
    """Return the headers of all DICOM images; files of other kinds are passed over, damaged ones refused."""
    headers: list[SliceHeader] = []
    damaged: list[DamagedFile] = []
    unread: list[ByteSource] = []
    for source in sources:
        try:
            headers += _headers_of(source, gate)
        except NotDicomError as error:
            if source.name.lower().endswith(_DICOM_SUFFIXES):
                damaged.append(DamagedFile(source, "there is no DICOM header", error))
            else:
                unread.append(source)
        except (DicomError, OSError) as error:
            damaged.append(DamagedFile(source, str(error), error))
    report_damage(damaged, bool(headers), series_uid, gate)
    # Without DICOM images there is nothing that a damaged file could be missing from.
    verify_all(unread if headers else (), gate)
    if not headers:
        gate.refuse(READABLE, _description(sources), place, expected="DICOM images")
    return headers


def _headers_of(source: ByteSource, gate: Gate) -> list[SliceHeader]:
    if source.size > FILE_SIZE.limit * (1 << 30):
        gate.refuse(FILE_SIZE, f"{source.size} bytes", source.name)
    header = read_slice_header(source)
    if header.sop_class == sop_classes.MEDIA_STORAGE_DIRECTORY:
        return []
    return frame_headers(header) if is_multi_frame(header) else [header]


def _description(sources: Sequence[ByteSource]) -> str:
    """Return what a place holds instead of DICOM, with the way out where there is one."""
    if len(sources) == 1 and (kind := archive_kind(sources[0].read(0, SIGNATURE_BYTES))):
        return f"a {kind} archive (unpack it and give the folder, or a zip of it)"
    images = [source.name for source in sources if source.name.lower().endswith(IMAGE_SUFFIXES)]
    if len(images) == 1:
        return f"one image file (pass the file itself: {images[0]})"
    if images:
        return f"{len(images)} image files (pass one of them)"
    return f"{len(sources)} other files" if sources else "no files"


def _volume(path: Path, stack: SliceStack, gate: Gate) -> CTVolume:
    slices = stack.slices

    def read_slab(k_start: int, k_stop: int) -> NDArray[np.float32]:
        return read_slices(slices[k_start:k_stop])

    def read_box(low_xyz: Sequence[int], high_xyz: Sequence[int]) -> NDArray[np.float32]:
        x, y, z = (slice(int(low), int(high)) for low, high in zip(low_xyz, high_xyz, strict=True))
        return read_steady_box(slices, rows=y, columns=x, box=z, gate=gate)

    def read_header(k: int) -> Dataset:
        try:
            return header_dataset(slices[k])
        except (DicomError, OSError) as error:
            name = slices[k].name
            raise refusal(READABLE, f"one where {error}", name, [name], expected="a whole DICOM header") from error

    return CTVolume(
        grid=stack.grid,
        read_slab=read_slab,
        read_box=read_box,
        source=str(path),
        attributes=_attributes(slices[0]),
        warnings=tuple(gate.warnings),
        gaps_k=stack.gaps_k,
        slices=tuple(map(_source_image, slices)),
        read_header=read_header,
    )


def _source_image(header: SliceHeader) -> SourceImage:
    x, y, z = header.position_lps_mm or (math.nan, math.nan, math.nan)  # the gate has refused a slice without one
    frame_number = header.frame + 1 if is_multi_frame(header) else None
    return SourceImage(header.sop_class, header.sop_instance, frame_number, (x, y, z))


def _attributes(first: SliceHeader) -> dict[str, str | float | int]:
    """Return what is known of the series; nothing of who the patient is."""
    known: dict[str, str | float | int] = {
        "series_uid": first.series_uid,
        "study_uid": first.study_uid,
        "frame_of_reference_uid": first.frame_of_reference_uid,
        "transfer_syntax": first.pixels.transfer_syntax,
        **first.attributes,
    }
    for key, value in {"slice_thickness_mm": first.thickness_mm, "kvp": first.kvp}.items():
        if value is not None and math.isfinite(value):
            known[key] = value
    return known
