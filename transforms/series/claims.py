"""What a slice's header claims of itself."""

from __future__ import annotations

from nodulus.transforms.dicom import sop_classes, transfer_syntaxes
from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.value_rules import RESCALE

_PROJECTIONS = frozenset(
    {"MIP", "MAXIP", "MAX_IP", "MAXIMUM", "MINIP", "MNIP", "MIN_IP", "MINIMUM", "RAYSUM", "PROJECTION IMAGE"}
)
# PS3.3 C.11.1.1.2: optical density, mg/ml, effective atomic number, electron densities, per cent.
_OTHER_QUANTITIES = frozenset({"OD", "MGML", "Z_EFF", "ED", "EDW", "PCT"})


def is_ct_image(header: SliceHeader) -> bool:
    """Return whether the object says that it is a CT image."""
    return header.sop_class in sop_classes.CT and header.modality in ("CT", "")


def has_rescale(header: SliceHeader) -> bool:
    """Return whether stored numbers can be turned into Hounsfield units."""
    if header.slope is None or header.intercept is None:
        return False
    return 0 < header.slope <= RESCALE["slope_at_most"] and abs(header.intercept) <= RESCALE["intercept_within"]


def names_other_quantity(header: SliceHeader) -> bool:
    """Return whether RescaleType names what is no attenuation."""
    return header.rescale_type in _OTHER_QUANTITIES


def is_projection(header: SliceHeader) -> bool:
    """Return whether ImageType says that a slab was projected onto the image."""
    return not _PROJECTIONS.isdisjoint(header.image_type)


def is_lossy(header: SliceHeader) -> bool:
    """Return whether the pixels were compressed with loss, now or before."""
    syntax = header.pixels.transfer_syntax
    may_be_lossy = syntax in transfer_syntaxes.LOSSY_OR_LOSSLESS and header.lossy != "00"
    return header.lossy == "01" or syntax in transfer_syntaxes.LOSSY or may_be_lossy
