"""The frames of a DICOM Segmentation: where each lies, which segment it shows, and the pixels it sets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels

from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import UsageError

# As in the gate for image files: memory is taken for what the header says.
_MAX_PIXELS_A_SIDE = 4096
# Cosines are written with three decimals or more.
_SAME_AXES = 1e-3
# Of fractional segmentations: MaximumFractionalValue where the object does not say.
_USUAL_MAXIMUM = 255


@dataclass(frozen=True, eq=False)
class SegFrame:
    """One frame: its number, the segment it shows (None: its voxels tell), and its grid.

    ``steps_lps_mm`` (2, 3) leads from one column, and from one row, to the next.
    """

    index: int
    segment: int | None
    origin_lps_mm: Points
    steps_lps_mm: Points


@dataclass(frozen=True, eq=False)
class SetPixels:
    """The pixels of a frame that show a segment: a mask (columns, rows), cut to them, and its first pixel."""

    frame: SegFrame
    mask: NDArray[np.bool_]
    low: tuple[int, int]


def frames_of(dataset: Dataset) -> list[SegFrame]:
    """Return the frames with the geometry that their functional groups give; all are parallel, of one spacing."""
    if not 0 < max(int(dataset.Rows), int(dataset.Columns)) <= _MAX_PIXELS_A_SIDE:
        size = f"{dataset.Rows} x {dataset.Columns}"
        raise UsageError(f"expected at most {_MAX_PIXELS_A_SIDE} rows and columns, got {size}")
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    if len(per_frame) != n_frames:
        raise UsageError(f"expected {n_frames} per-frame functional groups, got {len(per_frame)}")
    shared = _shared(dataset)
    is_labelmap = dataset.SegmentationType == "LABELMAP"
    frames = [_frame(index, group, shared, is_labelmap) for index, group in enumerate(per_frame)]
    spread = np.ptp([frame.steps_lps_mm for frame in frames], axis=0).max()
    if spread > _SAME_AXES:
        raise UsageError("expected frames of one orientation and spacing, got several")
    return frames


def stated_thickness(dataset: Dataset) -> float | None:
    """Return the slice thickness (mm) that the object states; SpacingBetweenSlices is what the positions say."""
    try:
        measures = _macro(dataset.PerFrameFunctionalGroupsSequence[0], _shared(dataset), "PixelMeasuresSequence")
        return float(measures.SliceThickness)
    except (AttributeError, TypeError, ValueError, OverflowError, UsageError):
        return None


def set_pixels(
    dataset: Dataset, frames: Sequence[SegFrame], segments: Collection[int]
) -> Iterator[tuple[int, SetPixels]]:
    """Yield, for some segments, (number, pixels) of each frame that shows one; frames are decoded one at a time."""
    wanted = [frame for frame in frames if frame.segment is None or frame.segment in segments]
    # pydicom takes no empty choice for none.
    images = iter_pixels(dataset, indices=[frame.index for frame in wanted]) if wanted else iter(())
    for frame, image in zip(wanted, images, strict=True):
        for number in segments if frame.segment is None else (frame.segment,):
            mask = _is_set(frame, image, number, dataset).T
            if mask.any():
                columns, rows = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
                low = int(columns[0]), int(rows[0])
                yield number, SetPixels(frame, mask[low[0] : columns[-1] + 1, low[1] : rows[-1] + 1].copy(), low)


def _is_set(frame: SegFrame, image: NDArray[np.generic], number: int, dataset: Dataset) -> NDArray[np.bool_]:
    """Return where a frame (rows, columns) shows the segment; fractional ones count from one half."""
    if frame.segment is None:
        return np.asarray(image == number)
    if dataset.SegmentationType == "FRACTIONAL":
        maximum = int(dataset.get("MaximumFractionalValue") or _USUAL_MAXIMUM)
        return np.asarray(image.astype(np.float64) * 2 >= maximum)
    return np.asarray(image != 0)


def _frame(index: int, group: Dataset, shared: Dataset, is_labelmap: bool) -> SegFrame:
    cosines = _numbers(_macro(group, shared, "PlaneOrientationSequence").ImageOrientationPatient, 6)
    # PixelSpacing: between rows first, then between columns (PS3.3 10.7.1.3).
    between_rows, between_columns = _numbers(_macro(group, shared, "PixelMeasuresSequence").PixelSpacing, 2)
    row, column = cosines[:3], cosines[3:]
    if min(between_rows, between_columns) <= 0 or np.linalg.norm(np.cross(row, column)) < 0.5:
        raise UsageError(f"expected axes and a PixelSpacing above 0 of frame {index + 1}, got none")
    identification = None if is_labelmap else _macro(group, shared, "SegmentIdentificationSequence")
    return SegFrame(
        index=index,
        segment=None if identification is None else int(identification.ReferencedSegmentNumber),
        origin_lps_mm=_numbers(_macro(group, shared, "PlanePositionSequence").ImagePositionPatient, 3),
        steps_lps_mm=np.stack([row * between_columns, column * between_rows]),
    )


def _numbers(values: object, n_expected: int) -> Points:
    numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if numbers.shape != (n_expected,) or not np.isfinite(numbers).all():
        raise UsageError(f"expected {n_expected} finite numbers in the functional groups, got {numbers.tolist()}")
    return numbers


def _shared(dataset: Dataset) -> Dataset:
    groups = dataset.get("SharedFunctionalGroupsSequence")
    return groups[0] if groups else Dataset()


def _macro(group: Dataset, shared: Dataset, name: str) -> Dataset:
    """Return a functional group's first item, the frame's own before the shared one."""
    for place in (group, shared):
        if items := place.get(name):
            item: Dataset = items[0]
            return item
    raise UsageError(f"expected {name} in the functional groups, got none")
