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

from .dicom_fields import first_item, needed_items, number, numbers, pixels_at_work, text, whole

# As in the gate for image files: memory is taken for what the header says.
_MAX_PIXELS_A_SIDE = 4096
# Cosines are written with three decimals or more.
_SAME_AXES = 1e-3
# No detector has pixels as small; what is divided by them stays finite.
_MIN_SPACING_MM = 1e-3
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
    rows, columns = _size(dataset)
    if min(rows, columns) < 1 or max(rows, columns) > _MAX_PIXELS_A_SIDE:
        raise UsageError(f"expected from 1 to {_MAX_PIXELS_A_SIDE} rows and columns, got {rows} x {columns}")
    per_frame = needed_items(dataset, "PerFrameFunctionalGroupsSequence")
    n_frames = whole(dataset, "NumberOfFrames", 1) or 1
    if len(per_frame) != n_frames:
        raise UsageError(f"expected {n_frames} per-frame functional groups, got {len(per_frame)}")
    shared = _shared(dataset)
    is_labelmap = text(dataset, "SegmentationType") == "LABELMAP"
    frames = [_frame(index, group, shared, is_labelmap) for index, group in enumerate(per_frame)]
    spread = np.ptp([frame.steps_lps_mm for frame in frames], axis=0).max()
    if spread > _SAME_AXES:
        raise UsageError("expected frames of one orientation and spacing, got several")
    return frames


def stated_thickness(dataset: Dataset) -> float | None:
    """Return the slice thickness (mm) that the object states; SpacingBetweenSlices is what the positions say."""
    try:
        group = needed_items(dataset, "PerFrameFunctionalGroupsSequence")[0]
        return number(_macro(group, _shared(dataset), "PixelMeasuresSequence"), "SliceThickness")
    except UsageError:
        return None


def set_pixels(
    dataset: Dataset, frames: Sequence[SegFrame], segments: Collection[int]
) -> Iterator[tuple[int, SetPixels]]:
    """Yield, for some segments, (number, pixels) of each frame that shows one; frames are decoded one at a time."""
    wanted = [frame for frame in frames if frame.segment is None or frame.segment in segments]
    is_fractional = text(dataset, "SegmentationType") == "FRACTIONAL"
    maximum = (whole(dataset, "MaximumFractionalValue", 0) or _USUAL_MAXIMUM) if is_fractional else None
    for frame, image in zip(wanted, _images(dataset, [frame.index for frame in wanted]), strict=True):
        for segment in segments if frame.segment is None else (frame.segment,):
            mask = _is_set(frame, image, segment, maximum).T
            if mask.any():
                yield segment, _cut(frame, mask)


def _images(dataset: Dataset, indices: Sequence[int]) -> Iterator[NDArray[np.generic]]:
    """Yield the pixels (rows, columns) of some frames, each decoded when it is asked for."""
    if not indices:  # pydicom takes no empty choice for none
        return
    size = _size(dataset)
    decoded = iter_pixels(dataset, indices=list(indices))
    for index in indices:
        with pixels_at_work(f"expected pixels of frame {index + 1} that decode, got none"):
            image = next(decoded, None)
        if image is None or image.shape != size:
            got = "none" if image is None else " x ".join(map(str, image.shape))
            raise UsageError(f"expected {size[0]} x {size[1]} pixels of frame {index + 1}, got {got}")
        yield image


def _cut(frame: SegFrame, mask: NDArray[np.bool_]) -> SetPixels:
    columns, rows = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    low = int(columns[0]), int(rows[0])
    return SetPixels(frame, mask[low[0] : columns[-1] + 1, low[1] : rows[-1] + 1].copy(), low)


def _is_set(frame: SegFrame, image: NDArray[np.generic], segment: int, maximum: int | None) -> NDArray[np.bool_]:
    """Return where a frame (rows, columns) shows the segment; fractional ones count from half the maximum."""
    if frame.segment is None:
        return np.asarray(image == segment)
    return np.asarray(image != 0 if maximum is None else image.astype(np.float64) * 2 >= maximum)


def _frame(index: int, group: Dataset, shared: Dataset, is_labelmap: bool) -> SegFrame:
    cosines = numbers(_macro(group, shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    # PixelSpacing: between rows first, then between columns (PS3.3 10.7.1.3).
    between_rows, between_columns = numbers(_macro(group, shared, "PixelMeasuresSequence"), "PixelSpacing", 2)
    row, column = cosines[:3], cosines[3:]
    if min(between_rows, between_columns) < _MIN_SPACING_MM or np.linalg.norm(np.cross(row, column)) < 0.5:
        raise UsageError(f"expected axes and a PixelSpacing above 0 of frame {index + 1}, got none")
    identification = None if is_labelmap else _macro(group, shared, "SegmentIdentificationSequence")
    return SegFrame(
        index=index,
        segment=None if identification is None else whole(identification, "ReferencedSegmentNumber"),
        origin_lps_mm=numbers(_macro(group, shared, "PlanePositionSequence"), "ImagePositionPatient", 3),
        steps_lps_mm=np.stack([row * between_columns, column * between_rows]),
    )


def _size(dataset: Dataset) -> tuple[int, int]:
    return whole(dataset, "Rows"), whole(dataset, "Columns")


def _shared(dataset: Dataset) -> Dataset:
    return first_item(dataset, "SharedFunctionalGroupsSequence") or Dataset()


def _macro(group: Dataset, shared: Dataset, name: str) -> Dataset:
    """Return a functional group's first item, the frame's own before the shared one."""
    for place in (group, shared):
        if (item := first_item(place, name)) is not None:
            return item
    raise UsageError(f"expected {name} in the functional groups, got none")
