"""The frames of an enhanced (multi-frame) CT as slices, through its functional groups."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from .dicom_elements import CutShortError
from .slice_header import MULTI_FRAME_CLASSES, Numbers, SliceHeader

if TYPE_CHECKING:
    from pydicom import Dataset

_MAX_FRAMES = 20000


def is_multi_frame(header: SliceHeader) -> bool:
    """Return whether the file holds its slices as frames."""
    return header.sop_class in MULTI_FRAME_CLASSES


def frame_headers(header: SliceHeader) -> list[SliceHeader]:
    """Return one header a frame; what a frame does not say is None, for the gate to judge."""
    from pydicom import dcmread

    end = header.pixels.offset or header.source.size
    try:
        dataset = dcmread(io.BytesIO(header.source.read(0, end)), stop_before_pixels=True, force=True)
        shared = _first(dataset, "SharedFunctionalGroupsSequence")
        frames = list(_items(dataset, "PerFrameFunctionalGroupsSequence"))
    except Exception as error:  # pydicom raises many kinds on damaged sequences
        raise CutShortError("its functional groups are damaged") from error
    if len(frames) != header.pixels.n_frames or len(frames) > _MAX_FRAMES:
        raise CutShortError(f"it has {header.pixels.n_frames} frames and {len(frames)} functional groups")
    return [_frame_header(header, index, [frame, shared]) for index, frame in enumerate(frames)]


def _frame_header(header: SliceHeader, index: int, groups: list[Dataset | None]) -> SliceHeader:
    measures = _macro(groups, "PixelMeasuresSequence")
    transform = _macro(groups, "PixelValueTransformationSequence")
    content = _macro(groups, "FrameContentSequence")
    frame_type = _text(_macro(groups, "CTImageFrameTypeSequence"), "FrameType")
    return replace(
        header,
        frame=index,
        name=f"{header.name} frame {index + 1}",
        position_lps_mm=_numbers(_macro(groups, "PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation_lps=_numbers(_macro(groups, "PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        spacing_rows_columns_mm=_numbers(measures, "PixelSpacing", 2),
        thickness_mm=_number(measures, "SliceThickness"),
        location_mm=None,
        instance_number=None,
        stack_numbers=(_text(content, "TemporalPositionIndex"), _text(content, "FrameAcquisitionNumber")),
        slope=_number(transform, "RescaleSlope"),
        intercept=_number(transform, "RescaleIntercept"),
        rescale_type=_text(transform, "RescaleType").upper(),
        image_type=tuple(frame_type.upper().split("\\")) if frame_type else header.image_type,
    )


def _macro(groups: list[Dataset | None], keyword: str) -> Dataset | None:
    """Return the functional group of a frame; its own wins over the shared one."""
    found = (_first(group, keyword) for group in groups if group is not None)
    return next((one for one in found if one is not None), None)


def _items(dataset: Dataset, keyword: str) -> Iterator[Dataset]:
    yield from dataset.get(keyword) or ()


def _first(dataset: Dataset, keyword: str) -> Dataset | None:
    return next(_items(dataset, keyword), None)


def _text(dataset: Dataset | None, keyword: str) -> str:
    """Return a value as it is written; pydicom's own conversion would warn of, or mend, malformed numbers."""
    if dataset is None or keyword not in dataset:
        return ""
    from pydicom.datadict import tag_for_keyword

    element = dataset.get_item(tag_for_keyword(keyword) or 0)
    value = getattr(element, "value", None)
    if isinstance(value, bytes) and getattr(element, "VR", "DS") in ("UL", "US"):
        return str(int.from_bytes(value, "little" if getattr(element, "is_little_endian", True) else "big"))
    if isinstance(value, bytes):
        return value.decode("latin-1").strip("\0 ")
    return str(value).strip("[]") if value is not None else ""


def _numbers(dataset: Dataset | None, keyword: str, count: int) -> Numbers | None:
    parts = _text(dataset, keyword).split("\\")
    return tuple(_float(part) for part in parts) if len(parts) == count else None


def _number(dataset: Dataset | None, keyword: str) -> float | None:
    text = _text(dataset, keyword)
    return _float(text) if text else None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
