"""Slices at one position: copies are dropped, stacks in time told apart, anything else refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from .gate import Gate
from .gate_rules import DUPLICATES_DROPPED, SAME_POSITION
from .slice_header import SliceHeader
from .slice_pixels import slice_hu
from .slice_stack import slice_normal, sort_slices


def drop_duplicates(slices: Sequence[SliceHeader], gate: Gate) -> tuple[SliceHeader, ...]:
    """Return slices in order, one a position.

    Args:
        slices: slices of one series in any order.
        gate: warned of copies that were dropped and stacks left aside; refuses different images at one position.
    """
    in_order = sort_slices(slices)
    places = _by_place(in_order)
    if len(places) == len(in_order):
        return in_order
    stacks = _stacks(in_order)
    if stacks:
        return _one_stack(stacks, gate)
    copies = [one for place in places for one in place[1:] if _is_copy(place[0], one)]
    kept = [one for place in places for one in (place[0], *(more for more in place[1:] if more not in copies))]
    if len(kept) > len(places):
        clashes = [one for place in places if len(place) > 1 for one in place]
        message = (
            f"Expected one slice a position, got different images at one, first {clashes[0].name}, {clashes[1].name}"
        )
        gate.broken(SAME_POSITION, message, [one.place for one in clashes])
    message = f"Expected one slice a position, got {len(copies)} copies, dropped, first {copies[0].name}"
    gate.broken(DUPLICATES_DROPPED, message, [one.place for one in copies])
    return tuple(kept)


def _by_place(in_order: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Return the slices of each position; further than the tolerance from the first of a place begins another."""
    normal = slice_normal(in_order[0])
    along = np.array([one.position_lps_mm for one in in_order], dtype=np.float64) @ normal
    places: list[list[SliceHeader]] = []
    begins_mm = -np.inf
    for one, at_mm in zip(in_order, along, strict=True):
        if at_mm - begins_mm > SAME_POSITION.tolerance:
            places.append([])
            begins_mm = at_mm
        places[-1].append(one)
    return places


def _stacks(in_order: Sequence[SliceHeader]) -> dict[str, list[SliceHeader]]:
    """Return stacks free of duplicates, by the first number that separates them; empty where none does."""
    for index in range(len(in_order[0].stack_numbers)):
        stacks: dict[str, list[SliceHeader]] = defaultdict(list)
        for one in in_order:
            stacks[one.stack_numbers[index]].append(one)
        if len(stacks) > 1 and all(key and len(_by_place(stack)) == len(stack) for key, stack in stacks.items()):
            return dict(stacks)
    return {}


def _one_stack(stacks: dict[str, list[SliceHeader]], gate: Gate) -> tuple[SliceHeader, ...]:
    key = min(stacks, key=lambda number: (-len(stacks[number]), _as_number(number), number))
    items = [f"number {number}: {len(stack)} slices" for number, stack in stacks.items()]
    message = (
        f"Expected one slice a position, got {len(stacks)} stacks in time; read number {key}, the longest or first"
    )
    gate.broken(DUPLICATES_DROPPED, message, items)
    return tuple(stacks[key])


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.inf


def _is_copy(first: SliceHeader, other: SliceHeader) -> bool:
    same_header = first.position_lps_mm == other.position_lps_mm and first.pixels.rows == other.pixels.rows
    return same_header and np.array_equal(slice_hu(first), slice_hu(other))
