"""Nodules of a DICOM Segmentation: a connected component each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from nodulus.transforms.geometry import Affine
from nodulus.transforms.problems import UsageError

from .nodule import MAX_DIAMETER_MM, Nodule
from .shapes import Shape, shape_of_mask

# Smaller components are specks of a segmentation; LIDC-IDRI's readers outlined nothing below 3 mm.
MIN_DIAMETER_MM = 2.0

_POSITION_TOLERANCE_MM = 0.1


@dataclass(frozen=True, eq=False)
class _Frame:
    """One frame: the segment it shows (None: its voxels tell), its first voxel's position, axes and spacing."""

    segment: int | None
    origin_lps_mm: NDArray[np.float64]
    axes_lps: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    pixels: NDArray[np.generic]


def nodules_of_seg(dataset: Dataset) -> tuple[list[Nodule], list[str]]:
    """Return a nodule of each connected component of each segment, and notes on specks and organs left out."""
    frames = _frames(dataset)
    nodules, notes = [], []
    for segment in dataset.SegmentSequence:
        number = int(segment.SegmentNumber)
        if number == 0:  # a labelmap may describe its background (PS3.3 C.8.20.4)
            continue
        label = str(segment.get("SegmentLabel", "")).strip() or f"segment {number}"
        mask, affine = _mask_of_segment([f for f in frames if f.segment in (None, number)], number, dataset)
        shapes = list(_components(mask, affine))
        kept = [shape for shape in shapes if MIN_DIAMETER_MM <= shape.diameter_mm <= MAX_DIAMETER_MM]
        if len(kept) < len(shapes):
            limits = f"below {MIN_DIAMETER_MM:g} or above {MAX_DIAMETER_MM:g} mm"
            notes.append(f"{len(shapes) - len(kept)} of {len(shapes)} components of {label!r} left out: {limits}")
        for n, shape in enumerate(kept, 1):
            nodules.append(_nodule(dataset, label if len(kept) == 1 else f"{label}.{n}", shape))
    return nodules, notes


def _nodule(dataset: Dataset, nodule_id: str, shape: Shape) -> Nodule:
    series = {str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence", [])}
    return Nodule(
        nodule_id,
        shape.center_lps_mm,
        shape.diameter_mm,
        box_lps_mm=shape.box_lps_mm,
        series_uid=series.pop() if len(series) == 1 else None,
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID", "")) or None,
    )


def _components(mask: NDArray[np.bool_], affine: Affine) -> Iterator[Shape]:
    """Yield the shape of each component; voxels that touch at a corner belong together."""
    labelled, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    for n, where in enumerate(ndimage.find_objects(labelled), 1):
        corner = affine.copy()
        corner[:3, 3] += affine[:3, :3] @ [part.start for part in where]
        yield shape_of_mask(labelled[where] == n, corner)


def _frames(dataset: Dataset) -> list[_Frame]:
    """Return the frames with the geometry that their functional groups give."""
    pixels = np.atleast_3d(dataset.pixel_array)
    if dataset.pixel_array.ndim == 2:
        pixels = dataset.pixel_array[None]
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    if len(per_frame) != len(pixels):
        raise UsageError(f"expected {len(pixels)} per-frame functional groups, got {len(per_frame)}")
    shared = dataset.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in dataset else Dataset()
    is_labelmap = dataset.SegmentationType == "LABELMAP"
    return [_frame(group, shared, image, is_labelmap) for group, image in zip(per_frame, pixels, strict=True)]


def _frame(group: Dataset, shared: Dataset, image: NDArray[np.generic], is_labelmap: bool) -> _Frame:
    cosines = np.asarray(_macro(group, shared, "PlaneOrientationSequence").ImageOrientationPatient, dtype=np.float64)
    row, column = cosines[:3], cosines[3:]
    # PixelSpacing: between rows first, then between columns (PS3.3 10.7.1.3).
    between_rows, between_columns = _macro(group, shared, "PixelMeasuresSequence").PixelSpacing
    identification = None if is_labelmap else _macro(group, shared, "SegmentIdentificationSequence")
    return _Frame(
        segment=None if identification is None else int(identification.ReferencedSegmentNumber),
        origin_lps_mm=np.asarray(_macro(group, shared, "PlanePositionSequence").ImagePositionPatient, dtype=np.float64),
        axes_lps=np.stack([row, column, np.cross(row, column)], axis=1),
        spacing_mm=(float(between_columns), float(between_rows)),
        pixels=image,
    )


def _macro(group: Dataset, shared: Dataset, name: str) -> Dataset:
    """Return a functional group's first item, the frame's own before the shared one."""
    for place in (group, shared):
        if items := place.get(name):
            item: Dataset = items[0]
            return item
    raise UsageError(f"expected {name} in the functional groups, got none")


def _mask_of_segment(frames: list[_Frame], number: int, dataset: Dataset) -> tuple[NDArray[np.bool_], Affine]:
    """Return one segment's mask (x, y, z) and its voxel-to-LPS affine (4x4, mm); frames left out are empty."""
    affine = np.eye(4)
    if not frames:
        return np.zeros((1, 1, 1), dtype=bool), affine
    first = frames[0]
    heights = np.array([frame.origin_lps_mm @ first.axes_lps[:, 2] for frame in frames])
    step_mm = _slice_step(heights, dataset)
    places = (heights - heights.min()) / step_mm
    if np.abs(places - np.round(places)).max() * step_mm > _POSITION_TOLERANCE_MM:
        raise UsageError(f"expected frames at multiples of {step_mm:g} mm, got positions in between")
    mask = np.zeros((*first.pixels.shape[::-1], int(np.round(places.max())) + 1), dtype=bool)
    for frame, place in zip(frames, np.round(places).astype(int), strict=True):
        mask[:, :, place] |= _is_set(frame, number, dataset).T
    affine[:3, :3] = first.axes_lps * [*first.spacing_mm, step_mm]
    affine[:3, 3] = frames[int(np.argmin(heights))].origin_lps_mm
    return mask, affine


def _is_set(frame: _Frame, number: int, dataset: Dataset) -> NDArray[np.bool_]:
    """Return where a frame (rows, columns) shows the segment; fractional ones count from one half."""
    if frame.segment is None:
        return np.asarray(frame.pixels == number)
    if dataset.SegmentationType == "FRACTIONAL":
        return np.asarray(frame.pixels.astype(np.float64) * 2 >= int(dataset.MaximumFractionalValue))
    return np.asarray(frame.pixels != 0)


def _slice_step(heights: NDArray[np.float64], dataset: Dataset) -> float:
    """Return the slice distance (mm): as stated, else the smallest between two frames, else the slice thickness."""
    shared = dataset.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in dataset else Dataset()
    measures = _macro(dataset.PerFrameFunctionalGroupsSequence[0], shared, "PixelMeasuresSequence")
    if stated := measures.get("SpacingBetweenSlices"):
        return float(stated)
    steps = np.diff(np.sort(heights))
    steps = steps[steps > _POSITION_TOLERANCE_MM]
    return float(steps.min()) if len(steps) else float(measures.get("SliceThickness") or 1.0)
