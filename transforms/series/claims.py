"""What a slice's header claims of itself."""

from __future__ import annotations

from nodulus.transforms.dicom.slice_header import CT_CLASSES, SliceHeader

_MAX_SLOPE, _MAX_INTERCEPT_HU = 100.0, 32768.0
_PROJECTIONS = frozenset(
    {"MIP", "MAXIP", "MAX_IP", "MAXIMUM", "MINIP", "MNIP", "MIN_IP", "MINIMUM", "RAYSUM", "PROJECTION IMAGE"}
)
_LOSSY_SYNTAXES = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
# JPEG-LS near-lossless and JPEG 2000 hold both kinds; LossyImageCompression says which.
_EITHER_SYNTAXES = frozenset({"1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"})


def is_ct_image(one: SliceHeader) -> bool:
    """Return whether the object says that it is a CT image."""
    return one.sop_class in CT_CLASSES and one.modality in ("CT", "")


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
    return one.lossy == "01" or syntax in _LOSSY_SYNTAXES or (syntax in _EITHER_SYNTAXES and one.lossy != "00")
