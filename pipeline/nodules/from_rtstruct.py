"""Nodules of a DICOM RT Structure Set: the connected parts of each ROI that is a lesion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from nodulus.transforms.problems import UsageError

from .dicom_fields import all_numbers, items, needed_uid, stored_length, text, uid, whole
from .nodule import Nodule, clean_name
from .outlines import Outline, parts_of_outlines
from .parts import parts_kept
from .roles import roi_role
from .shapes import Shape

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
            kept, said = _parts(roi)
        except UsageError as error:
            notes.append(f"ROI {roi.name!r} left out: {error}")
            continue
        notes += said
        series_uid = series_of_frame.get(roi.frame_uid or "")
        nodules += [_nodule(name, shape, series_uid, roi.frame_uid) for name, shape in kept]
    return nodules, notes


def _parts(roi: _Roi) -> tuple[list[tuple[str, Shape]], list[str]]:
    """Return the parts of an ROI that are nodules, by name, and notes; UsageError says why it has no outlines."""
    outlines, bad = _outlines(roi.contours)
    if not outlines:
        raise UsageError("; ".join(bad) or "no closed planar contour")
    shapes, left_out = parts_of_outlines(outlines)
    kept, specks = parts_kept(roi.name, shapes)
    notes = [f"ROI {roi.name!r}: {note}" for note in (*bad, *left_out)]
    return kept, notes + [f"ROI {note}" if not kept else note for note in specks]


def _nodule(name: str, shape: Shape, series_uid: str | None, frame_uid: str | None) -> Nodule:
    return Nodule(
        name,
        shape.center_lps_mm,
        shape.diameter_mm,
        box_lps_mm=shape.box_lps_mm,
        series_uid=series_uid,
        frame_of_reference_uid=frame_uid,
    )


def _rois(dataset: Dataset) -> Iterator[_Roi]:
    """Yield the regions of interest; the contours of all items about one are taken together."""
    contours: dict[int, list[Dataset]] = {}
    for item in items(dataset, "ROIContourSequence"):
        contours.setdefault(whole(item, "ReferencedROINumber"), []).extend(items(item, "ContourSequence"))
    types = {
        whole(item, "ReferencedROINumber"): text(item, "RTROIInterpretedType")
        for item in items(dataset, "RTROIObservationsSequence")
    }
    for roi in items(dataset, "StructureSetROISequence"):
        number = whole(roi, "ROINumber")
        name = clean_name(text(roi, "ROIName")) or str(number)
        frame_uid = uid(roi, "ReferencedFrameOfReferenceUID")
        yield _Roi(name, roi_role(types.get(number, ""), name), frame_uid, contours.get(number, []))


def _outlines(contours: list[Dataset]) -> tuple[list[Outline], list[str]]:
    """Return the closed planar contours, and in a line each how many others there are."""
    n_bytes = sum(stored_length(contour, "ContourData") for contour in contours)
    if n_bytes > _MAX_CONTOUR_BYTES:
        raise UsageError(f"{n_bytes >> 20} MiB of contours, more than a nodule has")
    outlines: list[Outline] = []
    others: Counter[str] = Counter()
    for contour in contours:
        kind = clean_name(text(contour, "ContourGeometricType")).upper()
        if kind not in _CLOSED_TYPES:
            others[f"of type {kind or 'none'}, not CLOSED_PLANAR"] += 1
        elif (outline := _outline(contour, kind)) is not None:
            outlines.append(outline)
        else:
            others["not three points or more"] += 1
    return outlines, [f"{n} of {len(contours)} contours left out: {why}" for why, n in others.items()]


def _outline(contour: Dataset, kind: str) -> Outline | None:
    """Return one contour, or None where its data are no three points or more."""
    try:
        numbers = all_numbers(contour, "ContourData")
    except UsageError:
        return None
    if len(numbers) % 3 or len(numbers) < 9:
        return None
    return Outline(numbers.reshape(-1, 3), is_xor="XOR" in kind)


def _series_of_frames(dataset: Dataset) -> dict[str, str]:
    """Return the SeriesInstanceUID by frame of reference, where a frame names one series."""
    found = {}
    for frame in items(dataset, "ReferencedFrameOfReferenceSequence"):
        referenced = (items(study, "RTReferencedSeriesSequence") for study in items(frame, "RTReferencedStudySequence"))
        series = {needed_uid(series_item, "SeriesInstanceUID") for of_study in referenced for series_item in of_study}
        if len(series) == 1:
            found[needed_uid(frame, "FrameOfReferenceUID")] = series.pop()
    return found
