"""What a slice's header claims of itself."""

from __future__ import annotations

from nodulus.transforms.dicom import sop_classes, transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader

_MAX_SLOPE, _MAX_INTERCEPT_HU = 100.0, 32768.0
_PROJECTIONS = frozenset(
    {"MIP", "MAXIP", "MAX_IP", "MAXIMUM", "MINIP", "MNIP", "MIN_IP", "MINIMUM", "RAYSUM", "PROJECTION IMAGE"}
)


def is_ct_image(one: SliceHeader) -> bool:
    """Return whether the object says that it is a CT image."""
    return one.sop_class in sop_classes.CT and one.modality in ("CT", "")


def has_rescale(one: SliceHeader) -> bool:
    """Return whether stored numbers can be turned into Hounsfield units."""
    if one.slope is None or one.intercept is None or one.rescale_type not in ("", "HU"):
        return False
    return 0 < one.slope <= _MAX_SLOPE and abs(one.intercept) <= _MAX_INTERCEPT_HU


def is_projection(one: SliceHeader) -> bool:
    """Return whether ImageType says that a slab was projected onto the image."""
    return not _PROJECTIONS.isdisjoint(one.image_type)


def is_lossy(one: SliceHeader) -> bool:
    """Return whether the pixels were compressed with loss, now or before."""
    syntax = one.pixels.transfer_syntax
    may_be_lossy = syntax in transfer_syntaxes.LOSSY_OR_LOSSLESS and one.lossy != "00"
    return one.lossy == "01" or syntax in transfer_syntaxes.LOSSY or may_be_lossy
