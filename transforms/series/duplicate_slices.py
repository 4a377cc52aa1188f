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


def drop_duplicates(slices: Sequence[SliceHeader], gate: Gate) -> tuple[SliceHeader, ...]:
    """Return slices in order, one a position.

    Args:
        slices: slices of one series in any order.
        gate: warned of copies that were dropped and stacks left aside; refuses different images at one position.
    """
    places = _by_place(sort_slices(slices))
    different = [_without_copies(place) for place in places]
    copies = [header for place, kept in zip(places, different, strict=True) for header in place if header not in kept]
    if copies:
        got = f"{len(copies)} copies, dropped, first {copies[0].name}"
        gate.judge(DUPLICATES_DROPPED, got, items=[header.place for header in copies], expected=SAME_POSITION.expects)
    if all(len(kept) == 1 for kept in different):
        return tuple(kept[0] for kept in different)
    stacks = _stacks([header for kept in different for header in kept])
    if stacks:
        return _one_stack(stacks, gate)
    clashes = [header for kept in different if len(kept) > 1 for header in kept]
    got = f"different images at one, first {clashes[0].name}, {clashes[1].name}"
    gate.refuse(SAME_POSITION, got, items=[header.place for header in clashes])


def _by_place(in_order: Sequence[SliceHeader]) -> list[Stack]:
    """Return the slices of each position; further than the tolerance from the first of a place begins another."""
    normal = slice_normal(in_order[0])
    along = np.array([header.position_lps_mm for header in in_order], dtype=np.float64) @ normal
    places: list[Stack] = []
    begins_mm = -np.inf
    for header, at_mm in zip(in_order, along, strict=True):
        if at_mm - begins_mm > SAME_POSITION["within"]:
            places.append([])
            begins_mm = at_mm
        places[-1].append(header)
    return places


def _without_copies(place: Stack) -> Stack:
    kept: Stack = []
    for header in place:
        if not any(_is_copy(other, header) for other in kept):
            kept.append(header)
    return kept


def _is_copy(first: SliceHeader, other: SliceHeader) -> bool:
    same_header = first.position_lps_mm == other.position_lps_mm and first.pixels.rows == other.pixels.rows
    return same_header and np.array_equal(slice_hu(first), slice_hu(other))


def _stacks(in_order: Stack) -> dict[str, Stack]:
    """Return stacks free of duplicates, by the first number that separates them; empty where none does."""
    for name in dict.fromkeys(name for header in in_order for name in header.stack_numbers):
        stacks: dict[str, Stack] = defaultdict(list)
        for header in in_order:
            stacks[header.stack_numbers.get(name, "")].append(header)
        if len(stacks) > 1 and all(stacks) and _show_the_same_place(list(stacks.values())):
            return dict(stacks)
    return {}


def _show_the_same_place(stacks: list[Stack]) -> bool:
    """Return whether each stack is a volume, and largely where the longest is, with one slice a position.

    Stacks in time show the same place again; acquisitions that follow each other share a position or two.
    """
    longest = max(stacks, key=len)
    if min(map(len, stacks)) < ENOUGH_SLICES.limit or any(len(_by_place(stack)) < len(stack) for stack in stacks):
        return False
    others = [stack for stack in stacks if stack is not longest]
    shared = [len(stack) + len(longest) - len(_by_place(sort_slices([*stack, *longest]))) for stack in others]
    percent = SAME_POSITION["stacks_share_at_least"]
    return all(100 * n >= percent * len(stack) for n, stack in zip(shared, others, strict=True))


def _one_stack(stacks: dict[str, Stack], gate: Gate) -> tuple[SliceHeader, ...]:
    key = min(stacks, key=lambda number: (-len(stacks[number]), _as_number(number), number))
    items = [f"number {number}: {len(stack)} slices" for number, stack in stacks.items()]
    got = f"{len(stacks)} stacks in time; read number {key}, the longest or first"
    gate.judge(DUPLICATES_DROPPED, got, items=items, expected=SAME_POSITION.expects)
    return tuple(stacks[key])


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.inf
