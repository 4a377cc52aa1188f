"""Slices in the order of their positions, and the exact grid that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import (
    COLLINEAR,
    CONTIGUOUS,
    ENOUGH_SLICES,
    EVEN_SPACING,
    NO_GAPS,
    UPRIGHT,
)
from nodulus.transforms.gate.value_rules import NOT_TOO_THICK, THIN
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.geometry import Grid

from .metadata_order import check_metadata_order

# Slices off the even grid by more than this are sampled where they are; less is rounding of the header.
_ROUNDING_MM = EVEN_SPACING["sampled_as_even_within"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Slices in order, their grid, and after which slices (index k) others are missing."""

    slices: tuple[SliceHeader, ...]
    grid: Grid
    gaps_k: tuple[int, ...]


def sort_slices(slices: Sequence[SliceHeader]) -> tuple[SliceHeader, ...]:
    """Return slices in the order of their positions along the normal; instance numbers have no say."""
    along = _positions(slices) @ slice_normal(slices[0])
    return tuple(slices[index] for index in np.argsort(along, kind="stable"))


def slice_normal(header: SliceHeader) -> Vector:
    """Return the unit vector across a slice: row direction x column direction."""
    row, column = _axes(header)
    return np.asarray(np.cross(row, column))


def build_stack(slices: Sequence[SliceHeader], gate: Gate) -> SliceStack:
    """Return the grid of slices that are sorted, alike and at different positions, after its checks."""
    if len(slices) < ENOUGH_SLICES.limit:
        gate.refuse(ENOUGH_SLICES, str(len(slices)), slices[0].name, [header.place for header in slices])
    positions = _positions(slices)
    normal = slice_normal(slices[0])
    along = (positions - positions[0]) @ normal
    _check_line(slices, positions, along, gate)
    _check_tilt(positions, normal, gate)
    steps, gaps = _steps(slices, along, gate)
    check_metadata_order(slices, along, gate)
    _check_thickness(slices, float(along[-1] / steps[-1]), gate)
    return SliceStack(tuple(slices), _grid(slices, positions, steps), gaps)


def _positions(slices: Sequence[SliceHeader]) -> Vector:
    return np.array([header.position_lps_mm for header in slices], dtype=np.float64)


def _axes(header: SliceHeader) -> tuple[Vector, Vector]:
    """Return the unit vectors along a row (to the next column) and along a column (to the next row)."""
    row, column = np.reshape(np.array(header.orientation_lps, dtype=np.float64), (2, 3))
    return row / np.linalg.norm(row), column / np.linalg.norm(column)


def _grid(slices: Sequence[SliceHeader], positions: Vector, steps: Vector) -> Grid:
    first = slices[0]
    row, column = _axes(first)
    between_rows, between_columns = first.spacing_rows_columns_mm or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0] = row * between_columns
    affine[:3, 1] = column * between_rows
    affine[:3, 2] = (positions[-1] - positions[0]) / steps[-1]
    affine[:3, 3] = positions[0]
    even = np.arange(len(steps), dtype=np.float64)
    off_mm = np.abs(steps - even).max() * np.linalg.norm(affine[:3, 2])
    size = (first.pixels.columns, first.pixels.rows, len(slices))
    return Grid(size, affine, steps if off_mm > _ROUNDING_MM else None)


def _check_line(slices: Sequence[SliceHeader], positions: Vector, along: Vector, gate: Gate) -> None:
    """Refuse slices whose origin is off the line from the first to the last."""
    chord = positions[0] + along[:, None] * (positions[-1] - positions[0]) / along[-1]
    off_chord_mm = np.linalg.norm(positions - chord, axis=1)
    if off_chord_mm.max() <= COLLINEAR.limit:
        return
    # One slice at an end bends the chord for all; medians tell which slice it is.
    slope = np.median(np.diff(positions, axis=0) / np.diff(along)[:, None], axis=0)
    start = np.median(positions - along[:, None] * slope, axis=0)
    off_mm = np.linalg.norm(positions - start - along[:, None] * slope, axis=1)
    if not COLLINEAR.limit < off_mm.max() or np.median(off_mm) > COLLINEAR.limit:
        off_mm = off_chord_mm
    odd = np.flatnonzero(off_mm > COLLINEAR.limit).tolist()
    got = f"{off_mm[odd[0]]:.2f} mm beside it"
    gate.refuse(COLLINEAR, got, slices[odd[0]].name, [slices[index].place for index in odd])


def _check_tilt(positions: Vector, normal: Vector, gate: Gate) -> None:
    axis = positions[-1] - positions[0]
    sideways = axis - (axis @ normal) * normal
    degrees = float(np.degrees(np.arctan2(np.linalg.norm(sideways), abs(axis @ normal))))
    if degrees > UPRIGHT.limit:
        expected = f"an upright stack within {UPRIGHT.limit}"
        gate.judge(UPRIGHT, f"a tilt of {degrees:.2f} degrees", expected=expected)


def _steps(slices: Sequence[SliceHeader], along: Vector, gate: Gate) -> tuple[Vector, tuple[int, ...]]:
    """Return each slice's place in units of the slice distance, and after which slices others are missing."""
    diffs = np.diff(along)
    whole = _whole_steps(along)
    gaps = np.flatnonzero(whole > 1).tolist()
    if gaps:
        _report_gaps(slices, along, gaps, whole, gate)
    even = np.concatenate([[0.0], np.cumsum(whole)])
    true = along / along[-1] * even[-1]
    off_mm = np.abs(true - even) * along[-1] / even[-1]
    odd = np.flatnonzero(off_mm > EVEN_SPACING["within"]).tolist()
    if odd:
        worst = slices[int(off_mm.argmax())].name
        got = f"distances of {diffs.min():.3f} to {diffs.max():.3f} mm, worst at {worst}"
        expected = f"slices every {along[-1] / even[-1]:.3f} mm within {EVEN_SPACING['within']}"
        gate.judge(EVEN_SPACING, got, items=[slices[index].place for index in odd], expected=expected)
    return true, tuple(gaps)


def _whole_steps(along: Vector) -> Vector:
    """Return how many slice distances each step is; all ones where the steps are no whole numbers of any distance."""
    diffs = np.diff(along)
    ratios = diffs / np.median(diffs)
    whole = np.maximum(np.rint(ratios), 1)
    # A gap leaves all steps near whole numbers; else the spacing itself is uneven. Positions that are rounded to one
    # decimal make steps of 0.6 and 0.7 mm out of 0.625, yet never leave the even grid by more than that.
    grid = np.concatenate([[0.0], np.cumsum(whole)]) / whole.sum() * along[-1]
    is_even = np.abs(grid - along).max() <= EVEN_SPACING["within"]
    are_whole = np.all(np.abs(ratios - whole) <= NO_GAPS.limit)
    return np.asarray(whole) if is_even or are_whole else np.ones_like(whole)


def _report_gaps(slices: Sequence[SliceHeader], along: Vector, gaps: list[int], whole: Vector, gate: Gate) -> None:
    missing = int((whole[gaps] - 1).sum())
    normal = slice_normal(slices[0])
    items = []
    for k in gaps:
        between = np.linspace(along[k], along[k + 1], int(whole[k]) + 1)[1:-1]
        start = float(_positions(slices[:1])[0] @ normal)
        lost = ", ".join(f"{start + value:g}" for value in between)
        items.append(f"missing at {lost} mm along the normal, after {slices[k].place}")
    got = f"{missing} missing in {len(gaps)} place(s), first after {slices[gaps[0]].name}"
    gate.judge(NO_GAPS, got, items=items, expected=f"a slice every {np.median(np.diff(along)):g} mm")


def _check_thickness(slices: Sequence[SliceHeader], step_mm: float, gate: Gate) -> None:
    thickness_mm = max((header.thickness_mm or 0.0) for header in slices)
    thickest_mm = max(thickness_mm, step_mm)
    place = slices[0].name
    for rule in (NOT_TOO_THICK, THIN):
        if thickest_mm > rule.limit + _ROUNDING_MM:
            gate.judge(rule, f"{thickest_mm:g} mm", place, expected=f"slices of at most {rule.limit}")
            break
    if thickness_mm > 0 and step_mm > CONTIGUOUS.limit * thickness_mm:
        got = f"{thickness_mm:g} mm thick every {step_mm:g} mm"
        gate.judge(CONTIGUOUS, got, place, expected="contiguous slices")
