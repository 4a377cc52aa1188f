"""The frames of an enhanced (multi-frame) CT as slices, through its functional groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import MalformedError
from .header_dataset import header_dataset, pydicom_at_work
from .slice_header import SliceHeader
from .sop_classes import MULTI_FRAME_CT
from .values import Numbers, decimal

if TYPE_CHECKING:
    from pydicom import Dataset

_DAMAGED = "its functional groups are damaged"

# What a frame calls the numbers that a single slice states under these keywords.
_STACK_NUMBERS = {
    "TemporalPositionIdentifier": "TemporalPositionIndex",
    "AcquisitionNumber": "FrameAcquisitionNumber",
}


def is_multi_frame(header: SliceHeader) -> bool:
    """Return whether the file holds its slices as frames."""
    return header.sop_class in MULTI_FRAME_CT


def frame_headers(header: SliceHeader) -> list[SliceHeader]:
    """Return one header a frame; what a frame does not say is None, for the gate to judge."""
    dataset = header_dataset(header)
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    frames = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if len(frames) != header.pixels.n_frames:
        raise MalformedError(f"it has {header.pixels.n_frames} frames and {len(frames)} functional groups")
    return [_frame_header(header, index, [frame, shared]) for index, frame in enumerate(frames)]


def _frame_header(header: SliceHeader, index: int, groups: list[Dataset | None]) -> SliceHeader:
    measures = _macro(groups, "PixelMeasuresSequence")
    transform = _macro(groups, "PixelValueTransformationSequence")
    content = _macro(groups, "FrameContentSequence")
    stack_numbers = {keyword: _text(content, its) for keyword, its in _STACK_NUMBERS.items()}
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
        stack_numbers=stack_numbers,
        traits=stack_numbers,
        slope=_number(transform, "RescaleSlope"),
        intercept=_number(transform, "RescaleIntercept"),
        rescale_type=_text(transform, "RescaleType").upper(),
        image_type=tuple(frame_type.upper().split("\\")) if frame_type else header.image_type,
    )


def _macro(groups: list[Dataset | None], keyword: str) -> Dataset | None:
    """Return the functional group of a frame; its own wins over the shared one."""
    found = (_first(group, keyword) for group in groups if group is not None)
    return next((item for item in found if item is not None), None)


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, which pydicom parses when it is first asked for."""
    with pydicom_at_work(_DAMAGED):
        return list(dataset.get(keyword) or ())


def _first(dataset: Dataset, keyword: str) -> Dataset | None:
    return next(iter(_items(dataset, keyword)), None)


def _text(dataset: Dataset | None, keyword: str) -> str:
    """Return a value as it is written; pydicom's own conversion would warn of, or mend, malformed numbers."""
    if dataset is None:
        return ""
    from pydicom.datadict import tag_for_keyword

    with pydicom_at_work(_DAMAGED):
        element = dataset.get_item(tag_for_keyword(keyword) or 0)
    value = getattr(element, "value", None)
    if isinstance(value, bytes) and getattr(element, "VR", "DS") in ("UL", "US"):
        return str(int.from_bytes(value, "little" if getattr(element, "is_little_endian", True) else "big"))
    if isinstance(value, bytes):
        return value.decode("latin-1").strip("\0 ")
    return str(value).strip("[]") if value is not None else ""


def _numbers(dataset: Dataset | None, keyword: str, count: int) -> Numbers | None:
    parts = _text(dataset, keyword).split("\\")
    return tuple(decimal(part) for part in parts) if len(parts) == count else None


def _number(dataset: Dataset | None, keyword: str) -> float | None:
    text = _text(dataset, keyword)
    return decimal(text) if text else None
