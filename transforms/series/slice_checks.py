"""The checks of each slice by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nodulus.transforms.dicom import sop_classes, transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader, shown_numbers, size_of
from nodulus.transforms.dicom.sop_classes import class_name
from nodulus.transforms.gate.series_rules import (
    COSINES,
    GEOMETRY,
    IMAGE_SIZE,
    MODALITY,
    PIXELS,
    TRANSFER_SYNTAX,
)
from nodulus.transforms.gate.value_rules import (
    ENOUGH_BITS,
    HOUNSFIELD_BY_NAME,
    LOSSLESS,
    NAMED_UNIT,
    PROJECTION,
    RESCALE,
)
from nodulus.transforms.gate.verdict import Gate

from .check_all import check_all
from .claims import has_rescale, is_ct_image, is_lossy, is_projection, names_other_quantity
from .pixel_lengths import check_pixel_lengths

Slices = Sequence[SliceHeader]


def check_each(slices: Slices, gate: Gate) -> None:
    """Refuse slices that break a rule by themselves; all that break one are named at once."""
    check_all(slices, gate, MODALITY, _is_ct, _kind_of, "CT Image Storage of modality CT")
    check_all(slices, gate, PIXELS, lambda s: s.pixels.offset > 0 and s.pixels.length > 0, lambda s: "none")
    check_all(slices, gate, GEOMETRY, _has_geometry, _geometry_of, "finite position, orientation and spacing")
    check_all(slices, gate, COSINES, _has_unit_cosines, lambda s: str(s.orientation_lps))
    check_all(slices, gate, IMAGE_SIZE, _has_fair_size, size_of)
    check_all(slices, gate, TRANSFER_SYNTAX, _is_known_syntax, lambda s: s.pixels.transfer_syntax)
    check_all(slices, gate, ENOUGH_BITS, _has_enough_bits, _bits_of)
    check_all(slices, gate, PROJECTION, lambda s: not is_projection(s), _image_type_of)
    check_all(slices, gate, RESCALE, has_rescale, _rescale_of, "rescale to Hounsfield units")
    check_all(slices, gate, HOUNSFIELD_BY_NAME, lambda s: not names_other_quantity(s), _rescale_type_of)
    check_all(slices, gate, NAMED_UNIT, _has_known_unit, _rescale_type_of)
    check_all(slices, gate, LOSSLESS, lambda s: not is_lossy(s), _compression_of, "lossless pixels")
    check_pixel_lengths(slices, gate)


def _is_ct(header: SliceHeader) -> bool:
    return is_ct_image(header) and header.pixels.samples == 1


def _kind_of(header: SliceHeader) -> str:
    kind = f"modality {header.modality or 'unknown'}, SOP class {class_name(header.sop_class)}"
    return f"{kind}, {header.pixels.samples} samples a pixel"


def _has_geometry(header: SliceHeader) -> bool:
    if header.position_lps_mm is None or header.orientation_lps is None or header.spacing_rows_columns_mm is None:
        return False
    if header.pixels.n_frames != 1 and header.sop_class not in sop_classes.MULTI_FRAME_CT:
        return False
    low, high = GEOMETRY["spacing_at_least"], GEOMETRY["spacing_at_most"]
    return (
        all(abs(value) < 1000 * GEOMETRY["position_within"] for value in header.position_lps_mm)
        and all(low <= value <= high for value in header.spacing_rows_columns_mm)
        and all(math.isfinite(value) for value in header.orientation_lps)
        and (header.thickness_mm is None or math.isfinite(header.thickness_mm))
    )


def _geometry_of(header: SliceHeader) -> str:
    frames = f"{header.pixels.n_frames} frames with one " if header.pixels.n_frames != 1 else ""
    return (
        f"{frames}position {shown_numbers(header.position_lps_mm)}, "
        f"orientation {shown_numbers(header.orientation_lps)}, "
        f"spacing {shown_numbers(header.spacing_rows_columns_mm)}, thickness {header.thickness_mm}"
    )


def _has_unit_cosines(header: SliceHeader) -> bool:
    row, column = np.reshape(header.orientation_lps or (0.0,) * 6, (2, 3))
    errors = (abs(row @ row - 1), abs(column @ column - 1), abs(row @ column))
    return bool(max(errors) <= COSINES.limit)


def _has_fair_size(header: SliceHeader) -> bool:
    return all(1 <= n <= IMAGE_SIZE.limit for n in (header.pixels.rows, header.pixels.columns))


def _is_known_syntax(header: SliceHeader) -> bool:
    return header.pixels.transfer_syntax in transfer_syntaxes.RAW | transfer_syntaxes.COMPRESSED


def _has_enough_bits(header: SliceHeader) -> bool:
    layout = header.pixels
    sane = layout.bits_allocated in (16, 32) and layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated
    return sane and ENOUGH_BITS["at_least"] <= layout.bits_stored <= ENOUGH_BITS["at_most"]


def _bits_of(header: SliceHeader) -> str:
    layout = header.pixels
    return f"{layout.bits_stored} bits in {layout.bits_allocated}, highest {layout.high_bit},"


def _image_type_of(header: SliceHeader) -> str:
    return f"ImageType {'/'.join(header.image_type)}"


def _rescale_of(header: SliceHeader) -> str:
    return f"slope {header.slope}, intercept {header.intercept}"


def _has_known_unit(header: SliceHeader) -> bool:
    return header.rescale_type in ("", "HU") or names_other_quantity(header)


def _rescale_type_of(header: SliceHeader) -> str:
    return f"RescaleType {header.rescale_type}"


def _compression_of(header: SliceHeader) -> str:
    return f"transfer syntax {header.pixels.transfer_syntax}, LossyImageCompression {header.lossy or 'not given'},"
