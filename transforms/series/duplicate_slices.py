"""Slices at one position: copies are dropped, stacks in time told apart, anything else refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import DUPLICATES_DROPPED, ENOUGH_SLICES, SAME_POSITION
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.pixels.hounsfield_slices import slice_hu

from .slice_stack import slice_normal, sort_slices

Stack = list[SliceHeader]

# Stacks in time show the same place again; acquisitions that follow each other share a position or two.
_SHARED_PART = 0.5


def drop_duplicates(slices: Sequence[SliceHeader], gate: Gate) -> tuple[SliceHeader, ...]:
    """Return slices in order, one a position.

    Args:
        slices: slices of one series in any order.
        gate: warned of copies that were dropped and stacks left aside; refuses different images at one position.
    """
    places = _by_place(sort_slices(slices))
    different = [_without_copies(place) for place in places]
    copies = [one for place, kept in zip(places, different, strict=True) for one in place if one not in kept]
    if copies:
        message = f"Expected one slice a position, got {len(copies)} copies, dropped, first {copies[0].name}"
        gate.broken(DUPLICATES_DROPPED, message, [one.place for one in copies])
    if all(len(kept) == 1 for kept in different):
        return tuple(kept[0] for kept in different)
    stacks = _stacks([one for kept in different for one in kept])
    if stacks:
        return _one_stack(stacks, gate)
    clashes = [one for kept in different if len(kept) > 1 for one in kept]
    both = f"{clashes[0].name}, {clashes[1].name}"
    message = f"Expected one slice a position, got different images at one, first {both}"
    gate.broken(SAME_POSITION, message, [one.place for one in clashes])
    return ()


def _by_place(in_order: Sequence[SliceHeader]) -> list[Stack]:
    """Return the slices of each position; further than the tolerance from the first of a place begins another."""
    normal = slice_normal(in_order[0])
    along = np.array([one.position_lps_mm for one in in_order], dtype=np.float64) @ normal
    places: list[Stack] = []
    begins_mm = -np.inf
    for one, at_mm in zip(in_order, along, strict=True):
        if at_mm - begins_mm > SAME_POSITION.tolerance:
            places.append([])
            begins_mm = at_mm
        places[-1].append(one)
    return places


def _without_copies(place: Stack) -> Stack:
    kept: Stack = []
    for one in place:
        if not any(_is_copy(other, one) for other in kept):
            kept.append(one)
    return kept


def _is_copy(first: SliceHeader, other: SliceHeader) -> bool:
    same_header = first.position_lps_mm == other.position_lps_mm and first.pixels.rows == other.pixels.rows
    return same_header and np.array_equal(slice_hu(first), slice_hu(other))


def _stacks(in_order: Stack) -> dict[str, Stack]:
    """Return stacks free of duplicates, by the first number that separates them; empty where none does."""
    for name in dict.fromkeys(name for one in in_order for name in one.stack_numbers):
        stacks: dict[str, Stack] = defaultdict(list)
        for one in in_order:
            stacks[one.stack_numbers.get(name, "")].append(one)
        if len(stacks) > 1 and all(stacks) and _show_the_same_place(list(stacks.values())):
            return dict(stacks)
    return {}


def _show_the_same_place(stacks: list[Stack]) -> bool:
    """Return whether each stack is a volume, and largely where the longest is, with one slice a position."""
    longest = max(stacks, key=len)
    if min(map(len, stacks)) < ENOUGH_SLICES.tolerance or any(len(_by_place(one)) < len(one) for one in stacks):
        return False
    others = [one for one in stacks if one is not longest]
    shared = [len(one) + len(longest) - len(_by_place(sort_slices([*one, *longest]))) for one in others]
    return all(n >= _SHARED_PART * len(one) for n, one in zip(shared, others, strict=True))


def _one_stack(stacks: dict[str, Stack], gate: Gate) -> tuple[SliceHeader, ...]:
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
