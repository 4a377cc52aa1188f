"""The content tree of a TID 1500 report: its measurement groups, what they are called and what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from nodulus.transforms.problems import UsageError

from .dicom_fields import first_item, needed_items, needed_uid, number, text, uid
from .dicom_fields import items as items_under
from .nodule import clean_name

_MEASUREMENT_GROUP = "125007"
_TRACKING_IDENTIFIER = "112039"
_SOURCE_SERIES = "121232"
_FINDING = "121071"
# Diameter, long axis, RECIST-like longest diameter: SNOMED CT, then the retired SRT codes, then RadLex; major axis and
# the circle around it; of a mesh and in 3D, as radiomics (IBSI) calls them.
_DIAMETERS = (
    *("81827009", "M-02550", "103339001", "G-A185", "L-A185", "RID39009"),
    *("131187009", "G-A193", "131192006", "L0JK", "TDIC"),
)
# What a caliper measures where it is not said of what: length, distance.
_LENGTHS = ("410668003", "G-D7FE", "121206")
_CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.5", "1.2.840.10008.5.1.4.1.1.66.7")
# TID 1500 nests some ten deep.
_MAX_DEPTH = 64
_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}


def measurement_groups(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """Yield the measurement groups below a content item; one within another is a group of its own."""
    for child in _children(item, depth):
        if _code(child) == _MEASUREMENT_GROUP:
            yield child
        yield from measurement_groups(child, depth + 1)


def items_of(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """Yield the content items below a group, at any depth, but for those of groups within it."""
    for child in _children(item, depth):
        if text(child, "ValueType") and _code(child) != _MEASUREMENT_GROUP:  # items by reference have none
            yield child
            yield from items_of(child, depth + 1)


def group_name(items: list[Dataset], number: int) -> str:
    """Return what a group is called: its tracking identifier, else its number."""
    names = (clean_name(text(item, "TextValue")) for item in items if _code(item) == _TRACKING_IDENTIFIER)
    return next(filter(None, names), str(number))


def group_finding(items: list[Dataset]) -> str:
    """Return what a group says it is about, in words; empty where it does not say."""
    for item in items:
        code = first_item(item, "ConceptCodeSequence") if _code(item) == _FINDING else None
        if code is not None:
            return text(code, "CodeMeaning")
    return ""


def group_series(items: list[Dataset]) -> str | None:
    """Return the source series that a group names."""
    named = (uid(item, "UID") for item in items if _code(item) == _SOURCE_SERIES)
    return next(filter(None, named), None)


def points_to_segmentation(items: list[Dataset]) -> bool:
    """Return whether a group points to a segmentation instead of drawing its region."""
    references = (ref for item in items for ref in items_under(item, "ReferencedSOPSequence"))
    return any(uid(ref, "ReferencedSOPClassUID") in _SEGMENTATIONS for ref in references)


def measured_diameter(items: list[Dataset]) -> tuple[float | None, list[str]]:
    """Return the largest diameter (mm) among a group's measurements, else its length, and notes on what is no mm."""
    found: dict[tuple[str, ...], list[float]] = {_DIAMETERS: [], _LENGTHS: []}
    notes = []
    for item in items:
        for codes, values in found.items():
            if text(item, "ValueType") != "NUM" or _code(item) not in codes:
                continue
            try:
                if (measured := first_item(item, "MeasuredValueSequence")) is not None:
                    values.append(_millimetres(measured))
            except UsageError as error:
                notes.append(f"a measurement passed over: {error}")
    return max(found[_DIAMETERS] or found[_LENGTHS], default=None), notes


def ct_series_of_evidence(dataset: Dataset) -> str | None:
    """Return the one CT series that the report's evidence names, where it names one."""
    found = set()
    for study in items_under(dataset, "CurrentRequestedProcedureEvidenceSequence"):
        for series in items_under(study, "ReferencedSeriesSequence"):
            images = items_under(series, "ReferencedSOPSequence")
            if any(uid(image, "ReferencedSOPClassUID") in _CT_CLASSES for image in images):
                found.add(needed_uid(series, "SeriesInstanceUID"))
    return found.pop() if len(found) == 1 else None


def _millimetres(measured: Dataset) -> float:
    unit = text(needed_items(measured, "MeasurementUnitsCodeSequence")[0], "CodeValue")
    value = number(measured, "NumericValue")
    if unit not in _MM_PER_UNIT or value <= 0:
        raise UsageError(f"expected a diameter in mm, got {value:g} of unit {unit!r}")
    return value * _MM_PER_UNIT[unit]


def _children(item: Dataset, depth: int) -> list[Dataset]:
    """Return the content items just below another; UsageError where they go deeper than any report's."""
    children = items_under(item, "ContentSequence")
    if children and depth >= _MAX_DEPTH:
        raise UsageError(f"expected content nested at most {_MAX_DEPTH} deep, got more")
    return children


def _code(item: Dataset) -> str:
    """Return the code of a content item's concept name."""
    name = first_item(item, "ConceptNameCodeSequence")
    return "" if name is None else text(name, "CodeValue")
