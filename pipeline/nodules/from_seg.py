"""Nodules of a DICOM Segmentation: the connected parts of each segment that is a lesion."""

from __future__ import annotations

from pydicom.dataset import Dataset

from nodulus.transforms.problems import UsageError

from .dicom_fields import items, needed_items, needed_uid, text, uid, whole
from .nodule import Nodule, clean_name
from .parts import parts_kept
from .plane_stack import parts_of
from .roles import segment_role
from .seg_frames import SetPixels, frames_of, set_pixels, stated_thickness
from .seg_stack import stack_of, step_between
from .shapes import Shape


def nodules_of_seg(dataset: Dataset) -> tuple[list[Nodule], list[str]]:
    """Return a nodule of each connected part of each segment, and notes on what was left out."""
    lesions, notes = _lesions(dataset)
    frames = frames_of(dataset)
    pixels: dict[int, list[SetPixels]] = {number: [] for number in lesions}
    for number, found in set_pixels(dataset, frames, lesions):
        pixels[number].append(found)
    step_mm = step_between(frames, stated_thickness(dataset))
    nodules = []
    for number, label in lesions.items():
        try:
            kept, left_out = _parts(label, pixels[number], step_mm)
        except UsageError as error:
            notes.append(f"segment {label!r} left out: {error}")
            continue
        notes += left_out
        nodules += [_nodule(dataset, name, shape) for name, shape in kept]
    return nodules, notes


def _parts(label: str, pixels: list[SetPixels], step_mm: float) -> tuple[list[tuple[str, Shape]], list[str]]:
    if not pixels:
        return [], [f"segment {label!r} left out: no voxel of it is set"]
    return parts_kept(label, parts_of(stack_of(pixels, step_mm)))


def _lesions(dataset: Dataset) -> tuple[dict[int, str], list[str]]:
    """Return the labels of the segments by number, and notes on those that are no lesions."""
    lesions, notes = {}, []
    for segment in needed_items(dataset, "SegmentSequence"):
        number = whole(segment, "SegmentNumber")
        if number == 0:  # a labelmap may describe its background (PS3.3 C.8.20.4)
            continue
        label = clean_name(text(segment, "SegmentLabel")) or f"segment {number}"
        if role := segment_role(segment, label):
            notes.append(f"segment {label!r} left out: {role}")
        else:
            lesions[number] = label
    return lesions, notes


def _nodule(dataset: Dataset, nodule_id: str, shape: Shape) -> Nodule:
    series = {needed_uid(item, "SeriesInstanceUID") for item in items(dataset, "ReferencedSeriesSequence")}
    return Nodule(
        nodule_id,
        shape.center_lps_mm,
        shape.diameter_mm,
        box_lps_mm=shape.box_lps_mm,
        series_uid=series.pop() if len(series) == 1 else None,
        frame_of_reference_uid=uid(dataset, "FrameOfReferenceUID"),
    )
