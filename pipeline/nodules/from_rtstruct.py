"""Nodules of a DICOM RT Structure Set: the connected parts of each ROI that is a lesion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from nodulus.transforms.problems import UsageError

from .nodule import Nodule, clean_name
from .outlines import Outline, parts_of_outlines
from .parts import parts_kept
from .roles import roi_role

# Hyphen and underscore: both are seen.
_CLOSED_TYPES = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
# An outline of a thousand points takes 30 kB; what takes more than this is a body, and minutes to read.
_MAX_CONTOUR_BYTES = 8 << 20


@dataclass(frozen=True)
class _Roi:
    """One region of interest: its name, what else it is than a lesion, its frame of reference, its contours."""

    name: str
    role: str | None
    frame_uid: str | None
    contours: list[Dataset]


def nodules_of_rtstruct(dataset: Dataset) -> tuple[list[Nodule], list[str]]:
    """Return a nodule of each part of each ROI with closed planar contours, and notes on what was left out."""
    series_of_frame = _series_of_frames(dataset)
    nodules: list[Nodule] = []
    notes: list[str] = []
    for roi in _rois(dataset):
        if roi.role is not None:
            notes.append(f"ROI {roi.name!r} left out: {roi.role}")
            continue
        try:
            outlines, bad = _outlines(roi.contours)
            if not outlines:
                raise UsageError(bad or "no closed planar contour")
            shapes, left_out = parts_of_outlines(outlines)
        except UsageError as error:
            notes.append(f"ROI {roi.name!r} left out: {error}")
            continue
        kept, specks = parts_kept(roi.name, shapes)
        notes += [f"ROI {roi.name!r}: {note}" for note in (*([bad] if bad else []), *left_out)]
        notes += [f"ROI {note}" if not kept else note for note in specks]
        series_uid = series_of_frame.get(roi.frame_uid or "")
        nodules += [
            Nodule(
                name,
                shape.center_lps_mm,
                shape.diameter_mm,
                box_lps_mm=shape.box_lps_mm,
                series_uid=series_uid,
                frame_of_reference_uid=roi.frame_uid,
            )
            for name, shape in kept
        ]
    return nodules, notes


def _rois(dataset: Dataset) -> Iterator[_Roi]:
    """Yield the regions of interest; the contours of all items about one are taken together."""
    contours: dict[int, list[Dataset]] = {}
    for item in dataset.get("ROIContourSequence") or []:
        contours.setdefault(int(item.ReferencedROINumber), []).extend(item.get("ContourSequence") or [])
    types = {
        int(item.ReferencedROINumber): str(item.get("RTROIInterpretedType") or "")
        for item in dataset.get("RTROIObservationsSequence") or []
    }
    for roi in dataset.get("StructureSetROISequence") or []:
        number = int(roi.ROINumber)
        name = clean_name(roi.get("ROIName") or "") or str(number)
        frame_uid = str(roi.get("ReferencedFrameOfReferenceUID") or "") or None
        yield _Roi(name, roi_role(types.get(number, ""), name), frame_uid, contours.get(number, []))


def _outlines(contours: list[Dataset]) -> tuple[list[Outline], str]:
    """Return the closed planar contours, and in a line how many could not be used."""
    n_bytes = sum(_length_of(contour) for contour in contours)
    if n_bytes > _MAX_CONTOUR_BYTES:
        raise UsageError(f"{n_bytes >> 20} MiB of contours, more than a nodule has")
    outlines, n_closed = [], 0
    for contour in contours:
        kind = str(contour.get("ContourGeometricType") or "").strip().upper()
        if kind not in _CLOSED_TYPES:
            continue
        n_closed += 1
        if (outline := _outline(contour, kind)) is not None:
            outlines.append(outline)
    n_bad = n_closed - len(outlines)
    return outlines, f"{n_bad} of {n_closed} contours left out: not three points or more" if n_bad else ""


def _length_of(contour: Dataset) -> int:
    """Return how many bytes a contour's points take, without parsing them."""
    points = contour.get_item("ContourData") if "ContourData" in contour else None
    return int(getattr(points, "length", 0))


def _outline(contour: Dataset, kind: str) -> Outline | None:
    """Return one contour, or None where its data are no three points or more."""
    try:
        numbers = np.atleast_1d(np.asarray(contour.get("ContourData") or [], dtype=np.float64))
    except (TypeError, ValueError, OverflowError):
        return None
    if len(numbers) % 3 or len(numbers) < 9 or not np.isfinite(numbers).all():
        return None
    return Outline(numbers.reshape(-1, 3), is_xor="XOR" in kind)


def _series_of_frames(dataset: Dataset) -> dict[str, str]:
    """Return the SeriesInstanceUID by frame of reference, where a frame names one series."""
    found = {}
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        studies = frame.get("RTReferencedStudySequence") or []
        series = {str(s.SeriesInstanceUID) for study in studies for s in study.get("RTReferencedSeriesSequence") or []}
        if len(series) == 1:
            found[str(frame.FrameOfReferenceUID)] = series.pop()
    return found
