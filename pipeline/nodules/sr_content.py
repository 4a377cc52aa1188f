"""The content tree of a TID 1500 report: its measurement groups, what they are called and what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from .nodule import clean_name

_MEASUREMENT_GROUP = "125007"
_TRACKING_IDENTIFIER = "112039"
_SOURCE_SERIES = "121232"
_FINDING = "121071"
# Diameter, long axis, RECIST-like longest diameter: SNOMED CT, then the retired SRT codes, then RadLex.
_DIAMETERS = ("81827009", "M-02550", "103339001", "G-A185", "L-A185", "RID39009")
# What a caliper measures where it is not said of what.
_LENGTHS = ("410668003", "G-D7FE")
_CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.5", "1.2.840.10008.5.1.4.1.1.66.7")
_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}


def measurement_groups(item: Dataset) -> Iterator[Dataset]:
    """Yield the measurement groups below a content item."""
    for child in item.get("ContentSequence") or []:
        if _code(child) == _MEASUREMENT_GROUP:
            yield child
        else:
            yield from measurement_groups(child)


def items_of(item: Dataset) -> Iterator[Dataset]:
    """Yield the content items below a group, at any depth."""
    for child in item.get("ContentSequence") or []:
        if child.get("ValueType"):  # items by reference have none
            yield child
            yield from items_of(child)


def group_name(items: list[Dataset], number: int) -> str:
    """Return what a group is called: its tracking identifier, else its number."""
    names = (clean_name(item.get("TextValue") or "") for item in items if _code(item) == _TRACKING_IDENTIFIER)
    return next(filter(None, names), str(number))


def group_finding(items: list[Dataset]) -> str:
    """Return what a group says it is about, in words; empty where it does not say."""
    for item in items:
        codes = item.get("ConceptCodeSequence") if _code(item) == _FINDING else None
        if codes:
            return str(codes[0].get("CodeMeaning") or "")
    return ""


def group_series(items: list[Dataset]) -> str | None:
    """Return the source series that a group names."""
    return next((str(item.UID) for item in items if _code(item) == _SOURCE_SERIES and item.get("UID")), None)


def points_to_segmentation(items: list[Dataset]) -> bool:
    """Return whether a group points to a segmentation instead of drawing its region."""
    references = (ref for item in items for ref in item.get("ReferencedSOPSequence") or [])
    return any(str(ref.get("ReferencedSOPClassUID") or "") in _SEGMENTATIONS for ref in references)


def measured_diameter(items: list[Dataset]) -> tuple[float | None, list[str]]:
    """Return the largest diameter (mm) among a group's measurements, else its length, and notes on what is no mm."""
    found: dict[tuple[str, ...], list[float]] = {_DIAMETERS: [], _LENGTHS: []}
    notes = []
    for item in items:
        for codes, values in found.items():
            if item.ValueType == "NUM" and _code(item) in codes and item.get("MeasuredValueSequence"):
                try:
                    values.append(_millimetres(item.MeasuredValueSequence[0]))
                except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
                    notes.append(f"a measurement passed over: {error}")
    return max(found[_DIAMETERS] or found[_LENGTHS], default=None), notes


def ct_series_of_evidence(dataset: Dataset) -> str | None:
    """Return the one CT series that the report's evidence names, where it names one."""
    found = set()
    for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or []:
        for series in study.get("ReferencedSeriesSequence") or []:
            items = series.get("ReferencedSOPSequence") or []
            if any(item.get("ReferencedSOPClassUID") in _CT_CLASSES for item in items):
                found.add(str(series.SeriesInstanceUID))
    return found.pop() if len(found) == 1 else None


def _millimetres(measured: Dataset) -> float:
    unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
    value = float(measured.NumericValue)
    if unit not in _MM_PER_UNIT or not (math.isfinite(value) and value > 0):
        msg = f"expected a diameter in mm, got {value:g} of unit {unit!r}"
        raise ValueError(msg)
    return value * _MM_PER_UNIT[unit]


def _code(item: Dataset) -> str:
    """Return the code of a content item's concept name."""
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeValue") or "") if names else ""
