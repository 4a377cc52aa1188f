"""The checks of slices against each other, before they are put in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader, shown_numbers, size_of
from nodulus.transforms.gate.rule import GateRule
from nodulus.transforms.gate.series_rules import SAME_ORIENTATION, SAME_SHAPE, SAME_SPACING
from nodulus.transforms.gate.verdict import Gate

Slices = Sequence[SliceHeader]

_NEAR = 0.01


def check_alike(slices: Slices, gate: Gate) -> None:
    """Refuse slices that differ from most of their series in shape, frame, spacing or orientation."""
    _same(slices, gate, size_of)
    _same(slices, gate, lambda s: f"frame of reference {s.frame_of_reference_uid or 'not given'}")
    _same(slices, gate, lambda s: f"study {s.study_uid or 'not given'}")
    _near(slices, gate, SAME_SPACING, "PixelSpacing", lambda s: s.spacing_rows_columns_mm or (), relative=True)
    _near(slices, gate, SAME_ORIENTATION, "orientation", lambda s: s.orientation_lps or (), relative=False)


def _same(slices: Slices, gate: Gate, key: Callable[[SliceHeader], str]) -> None:
    keys = [key(header) for header in slices]
    usual = max(sorted(set(keys)), key=keys.count)
    odd = [header for header in slices if key(header) != usual]
    if odd:
        places = [header.place for header in odd]
        gate.refuse(SAME_SHAPE, key(odd[0]), odd[0].name, places, expected=f"{usual} as in the other slices")


def _near(
    slices: Slices,
    gate: Gate,
    rule: GateRule,
    name: str,
    numbers: Callable[[SliceHeader], Sequence[float]],
    *,
    relative: bool,
) -> None:
    values = np.array([numbers(header) for header in slices])
    usual = _usual(values)
    error = np.abs(values - usual) / (usual if relative else 1.0)
    odd = np.flatnonzero(error.max(axis=1) > rule.limit).tolist()
    if odd:
        first = slices[odd[0]]
        expected = f"{name} {shown_numbers(usual.tolist())} as in the other slices"
        places = [slices[index].place for index in odd]
        gate.refuse(rule, shown_numbers(numbers(first)), first.name, places, expected=expected)


def _usual(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median where a slice is near it, else the row that most slices have: half and half has no middle."""
    middle = np.median(values, axis=0)
    if np.abs(values - middle).max(axis=1).min() < _NEAR:
        return np.asarray(middle)
    rows, counts = np.unique(values, axis=0, return_counts=True)
    return np.asarray(rows[counts.argmax()])
