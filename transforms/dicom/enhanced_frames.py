"""The frames of an enhanced (multi-frame) CT as slices, through its functional groups."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from .elements import DEFLATED
from .errors import DicomError, MalformedError
from .slice_header import MULTI_FRAME_CLASSES, SliceHeader
from .values import Numbers, decimal

if TYPE_CHECKING:
    from pydicom import Dataset

# Deflated files hold their pixels too.
_MAX_GROUPS_BYTES = 1 << 29


def is_multi_frame(header: SliceHeader) -> bool:
    """Return whether the file holds its slices as frames."""
    return header.sop_class in MULTI_FRAME_CLASSES


def frame_headers(header: SliceHeader) -> list[SliceHeader]:
    """Return one header a frame; what a frame does not say is None, for the gate to judge."""
    try:
        return _headers(header)
    except (DicomError, OSError):
        raise
    except Exception as error:  # pydicom raises many kinds on damaged sequences
        raise MalformedError("its functional groups are damaged") from error


def _headers(header: SliceHeader) -> list[SliceHeader]:
    from pydicom import dcmread

    # The offset of a deflated file's pixels is that in the inflated one.
    is_whole = header.pixels.transfer_syntax == DEFLATED or not header.pixels.offset
    end = header.source.size if is_whole else header.pixels.offset
    if end > _MAX_GROUPS_BYTES:
        raise MalformedError(f"its header takes {end} bytes")
    dataset = dcmread(io.BytesIO(header.source.read(0, end)), stop_before_pixels=True, force=True)
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    frames = list(_items(dataset, "PerFrameFunctionalGroupsSequence"))
    if len(frames) != header.pixels.n_frames:
        raise MalformedError(f"it has {header.pixels.n_frames} frames and {len(frames)} functional groups")
    return [_frame_header(header, index, [frame, shared]) for index, frame in enumerate(frames)]


def _frame_header(header: SliceHeader, index: int, groups: list[Dataset | None]) -> SliceHeader:
    measures = _macro(groups, "PixelMeasuresSequence")
    transform = _macro(groups, "PixelValueTransformationSequence")
    content = _macro(groups, "FrameContentSequence")
    stack_numbers = {name: _text(content, name) for name in ("TemporalPositionIndex", "FrameAcquisitionNumber")}
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
        stack_numbers=tuple(stack_numbers.values()),
        traits=tuple(stack_numbers.items()),
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
    return tuple(decimal(part) for part in parts) if len(parts) == count else None


def _number(dataset: Dataset | None, keyword: str) -> float | None:
    text = _text(dataset, keyword)
    return decimal(text) if text else None
