"""The checks of each slice by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nodulus.transforms.dicom import sop_classes, transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader, shown_numbers, size_of
from nodulus.transforms.gate.series_rules import (
    COSINES,
    ENOUGH_BITS,
    GEOMETRY,
    IMAGE_SIZE,
    LOSSLESS,
    MODALITY,
    PIXELS,
    PROJECTION,
    RESCALE,
    TRANSFER_SYNTAX,
)
from nodulus.transforms.gate.verdict import Gate

from .check_all import check_all
from .claims import has_rescale, is_ct_image, is_lossy, is_projection
from .pixel_lengths import check_pixel_lengths

Slices = Sequence[SliceHeader]

_MAX_POSITION_MM = 1e5
_SPACING_RANGE_MM = (0.01, 20.0)


def check_each(slices: Slices, gate: Gate) -> None:
    """Refuse slices that break a rule by themselves; all that break one are named at once."""
    check_all(slices, gate, MODALITY, _is_ct, "CT Image Storage of modality CT", _what_it_is)
    check_all(
        slices, gate, PIXELS, lambda s: s.pixels.offset > 0 and s.pixels.length > 0, "pixel data", lambda s: "none"
    )
    check_all(slices, gate, GEOMETRY, _has_geometry, "finite position, orientation and spacing", _geometry_of)
    check_all(
        slices, gate, COSINES, _has_unit_cosines, "unit cosines at a right angle", lambda s: str(s.orientation_lps)
    )
    check_all(slices, gate, IMAGE_SIZE, _has_fair_size, f"1 to {IMAGE_SIZE.limit}", size_of)
    check_all(
        slices, gate, TRANSFER_SYNTAX, _is_known_syntax, "a known transfer syntax", lambda s: s.pixels.transfer_syntax
    )
    check_all(slices, gate, ENOUGH_BITS, _has_enough_bits, "9 to 32 bits, 16 or 32 allocated", _bits_of)
    check_all(slices, gate, PROJECTION, lambda s: not is_projection(s), "no projections", _image_type_of)
    check_all(slices, gate, RESCALE, has_rescale, "rescale to Hounsfield units", _rescale_of)
    check_all(slices, gate, LOSSLESS, lambda s: not is_lossy(s), "lossless pixels", _compression_of)
    check_pixel_lengths(slices, gate)


def _is_ct(one: SliceHeader) -> bool:
    return is_ct_image(one) and one.pixels.samples == 1


def _what_it_is(one: SliceHeader) -> str:
    kind = f"modality {one.modality or 'unknown'}, class {one.sop_class or 'unknown'}"
    return f"{kind}, {one.pixels.samples} samples a pixel"


def _has_geometry(one: SliceHeader) -> bool:
    if one.position_lps_mm is None or one.orientation_lps is None or one.spacing_rows_columns_mm is None:
        return False
    if one.pixels.n_frames != 1 and one.sop_class not in sop_classes.MULTI_FRAME_CT:
        return False
    low, high = _SPACING_RANGE_MM
    return (
        all(abs(value) < _MAX_POSITION_MM for value in one.position_lps_mm)
        and all(low <= value <= high for value in one.spacing_rows_columns_mm)
        and all(math.isfinite(value) for value in one.orientation_lps)
        and (one.thickness_mm is None or math.isfinite(one.thickness_mm))
    )


def _geometry_of(one: SliceHeader) -> str:
    frames = f"{one.pixels.n_frames} frames with one " if one.pixels.n_frames != 1 else ""
    return (
        f"{frames}position {shown_numbers(one.position_lps_mm)}, "
        f"orientation {shown_numbers(one.orientation_lps)}, spacing {shown_numbers(one.spacing_rows_columns_mm)}, "
        f"thickness {one.thickness_mm}"
    )


def _has_unit_cosines(one: SliceHeader) -> bool:
    row, column = np.reshape(one.orientation_lps or (0.0,) * 6, (2, 3))
    errors = (abs(row @ row - 1), abs(column @ column - 1), abs(row @ column))
    return bool(max(errors) <= COSINES.tolerance)


def _has_fair_size(one: SliceHeader) -> bool:
    return 1 <= one.pixels.rows <= IMAGE_SIZE.tolerance and 1 <= one.pixels.columns <= IMAGE_SIZE.tolerance


def _is_known_syntax(one: SliceHeader) -> bool:
    return one.pixels.transfer_syntax in transfer_syntaxes.RAW | transfer_syntaxes.COMPRESSED


def _has_enough_bits(one: SliceHeader) -> bool:
    layout = one.pixels
    sane = layout.bits_allocated in (16, 32) and layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated
    return sane and layout.bits_stored >= ENOUGH_BITS.tolerance


def _bits_of(one: SliceHeader) -> str:
    layout = one.pixels
    return f"{layout.bits_stored} bits in {layout.bits_allocated}, highest {layout.high_bit},"


def _image_type_of(one: SliceHeader) -> str:
    return f"ImageType {'/'.join(one.image_type)}"


def _rescale_of(one: SliceHeader) -> str:
    return f"slope {one.slope}, intercept {one.intercept}, type {one.rescale_type or 'not given'}"


def _compression_of(one: SliceHeader) -> str:
    return f"transfer syntax {one.pixels.transfer_syntax}, LossyImageCompression {one.lossy or 'not given'},"
