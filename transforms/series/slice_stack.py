"""Slices in the order of their positions, and the exact grid that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import (
    CONTIGUOUS,
    ENOUGH_SLICES,
    EVEN_SPACING,
    NO_GAPS,
    NOT_TOO_THICK,
    SAME_LINE,
    THIN,
    UPRIGHT,
)
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.geometry import Grid

from .slice_accounts import check_other_accounts

# Slices off the even grid by more than this are sampled where they are; less is rounding of the header.
_ROUNDING_MM = 0.01

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


def slice_normal(one: SliceHeader) -> Vector:
    """Return the unit vector across a slice: row direction x column direction."""
    row, column = _axes(one)
    return np.asarray(np.cross(row, column))


def build_stack(slices: Sequence[SliceHeader], gate: Gate) -> SliceStack:
    """Return the grid of slices that are sorted, alike and at different positions, after its checks."""
    if len(slices) < ENOUGH_SLICES.tolerance:
        message = f"Expected at least {ENOUGH_SLICES.limit}, got {len(slices)} in {slices[0].name}"
        gate.broken(ENOUGH_SLICES, message, [one.place for one in slices])
    positions = _positions(slices)
    normal = slice_normal(slices[0])
    along = (positions - positions[0]) @ normal
    _check_line(slices, positions, along, gate)
    _check_tilt(positions, normal, gate)
    steps, gaps = _steps(slices, along, gate)
    check_other_accounts(slices, along, gate)
    _check_thickness(slices, float(along[-1] / steps[-1]), gate)
    return SliceStack(tuple(slices), _grid(slices, positions, steps), gaps)


def _positions(slices: Sequence[SliceHeader]) -> Vector:
    return np.array([one.position_lps_mm for one in slices], dtype=np.float64)


def _axes(one: SliceHeader) -> tuple[Vector, Vector]:
    """Return the unit vectors along a row (to the next column) and along a column (to the next row)."""
    row, column = np.reshape(np.array(one.orientation_lps, dtype=np.float64), (2, 3))
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
    if off_chord_mm.max() <= SAME_LINE.tolerance:
        return
    # One slice at an end bends the chord for all; medians tell which slice it is.
    slope = np.median(np.diff(positions, axis=0) / np.diff(along)[:, None], axis=0)
    start = np.median(positions - along[:, None] * slope, axis=0)
    off_mm = np.linalg.norm(positions - start - along[:, None] * slope, axis=1)
    if not SAME_LINE.tolerance < off_mm.max() or np.median(off_mm) > SAME_LINE.tolerance:
        off_mm = off_chord_mm
    odd = np.flatnonzero(off_mm > SAME_LINE.tolerance).tolist()
    got = f"{off_mm[odd[0]]:.2f} mm beside it in {slices[odd[0]].name}"
    message = f"Expected slice origins on one line within {SAME_LINE.limit}, got {got}"
    gate.broken(SAME_LINE, message, [slices[index].place for index in odd])


def _check_tilt(positions: Vector, normal: Vector, gate: Gate) -> None:
    axis = positions[-1] - positions[0]
    sideways = axis - (axis @ normal) * normal
    degrees = float(np.degrees(np.arctan2(np.linalg.norm(sideways), abs(axis @ normal))))
    if degrees > UPRIGHT.tolerance:
        gate.broken(UPRIGHT, f"Expected an upright stack within {UPRIGHT.limit}, got a tilt of {degrees:.2f} degrees")


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
    odd = np.flatnonzero(off_mm > EVEN_SPACING.tolerance).tolist()
    if odd:
        message = (
            f"Expected slices every {along[-1] / even[-1]:.3f} mm within {EVEN_SPACING.limit}, got distances of "
            f"{diffs.min():.3f} to {diffs.max():.3f} mm, worst at {slices[int(off_mm.argmax())].name}"
        )
        gate.broken(EVEN_SPACING, message, [slices[index].place for index in odd])
    return true, tuple(gaps)


def _whole_steps(along: Vector) -> Vector:
    """Return how many slice distances each step is; all ones where the steps are no whole numbers of any distance."""
    diffs = np.diff(along)
    ratios = diffs / np.median(diffs)
    whole = np.maximum(np.rint(ratios), 1)
    # A gap leaves all steps near whole numbers; else the spacing itself is uneven. Positions that are rounded to one
    # decimal make steps of 0.6 and 0.7 mm out of 0.625, yet never leave the even grid by more than that.
    grid = np.concatenate([[0.0], np.cumsum(whole)]) / whole.sum() * along[-1]
    is_even = np.abs(grid - along).max() <= EVEN_SPACING.tolerance
    are_whole = np.all(np.abs(ratios - whole) <= NO_GAPS.tolerance)
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
    message = f"Expected a slice every {np.median(np.diff(along)):g} mm, got {missing} missing in {len(gaps)} place(s)"
    gate.broken(NO_GAPS, f"{message}, first after {slices[gaps[0]].name}", items)


def _check_thickness(slices: Sequence[SliceHeader], step_mm: float, gate: Gate) -> None:
    thickness = max((one.thickness_mm or 0.0) for one in slices)
    thickest = max(thickness, step_mm)
    where = f"in {slices[0].name}"
    for rule in (NOT_TOO_THICK, THIN):
        if thickest > rule.tolerance + _ROUNDING_MM:
            gate.broken(rule, f"Expected slices of at most {rule.limit}, got {thickest:g} mm {where}")
            break
    if thickness > 0 and step_mm > CONTIGUOUS.tolerance * thickness:
        gate.broken(CONTIGUOUS, f"Expected contiguous slices, got {thickness:g} mm thick every {step_mm:g} mm {where}")
