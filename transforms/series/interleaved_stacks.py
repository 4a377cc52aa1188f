"""Stacks of two kinds in one series that alternate along it, and look like one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import (
    ENOUGH_SLICES,
    EVEN_SPACING,
    INTERLEAVED,
    INTERLEAVED_CHOSEN,
    STEADY_RECONSTRUCTION,
)
from nodulus.transforms.gate.verdict import Gate

from .slice_samples import SliceSamples
from .slice_stack import slice_normal
from .steady_values import check_steady
from .telling_elements import telling_element
from .unlike_neighbours import n_stacks_in_voxels

Slices = tuple[SliceHeader, ...]

_WARNED_OF = ("ConvolutionKernel", "KVP")
# They change for other reasons, too: where their stacks are uneven it is the voxels' to say.
_TOLD_BY_VOXELS = ("ContrastBolusAgent", "TriggerTime", "AcquisitionTime", "ImageType")


def choose_stack(slices: Slices, gate: Gate) -> Slices:
    """Return the slices of one stack where several alternate by what headers say of them, all of them otherwise.

    Args:
        slices: one series in the order of positions, one slice a position.
        gate: warned of the choice; refuses stacks that cannot be told apart.
    """
    for name in dict.fromkeys(name for header in slices for name in header.traits):
        values = [_normal_form(header.traits.get(name, "")) for header in slices]
        if len(set(values)) == 1:
            continue
        stacks = _stacks(slices, values)
        if _alternate(values, stacks) and (name not in _TOLD_BY_VOXELS or _are_even(stacks)):
            return choose_stack(_one_of(name, stacks, gate), gate)
        if name in _WARNED_OF:
            _warn_of_change(name, slices, values, gate)
    return slices


def choose_stack_by_voxels(slices: Slices, samples: SliceSamples, gate: Gate) -> Slices:
    """Return the slices of one stack where the voxels of several alternate, all of them otherwise.

    Args:
        slices: as ``choose_stack`` returns them.
        samples: of these slices.
        gate: warned of the choice; refuses stacks that no element tells apart.
    """
    n_stacks = n_stacks_in_voxels(slices, samples)
    if n_stacks == 1:
        return slices
    # What a wrong rescale of every other slice does to the voxels is no second acquisition.
    check_steady(slices, samples, gate)

    def alternate(labels: Sequence[str]) -> bool:
        stacks = _stacks(slices, labels)
        return _alternate(labels, stacks) and _are_even(stacks)

    telling = telling_element(slices, n_stacks, alternate)
    if telling is None:
        got = f"voxels that alternate between {n_stacks} stacks, and no element that tells them apart"
        gate.refuse(INTERLEAVED, got, f"{slices[0].name} and those after it")
    name, labels = telling
    return choose_stack_by_voxels(_one_of(name, _stacks(slices, labels), gate), samples, gate)


def _normal_form(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _stacks(slices: Slices, values: Sequence[str]) -> dict[str, list[SliceHeader]]:
    stacks: dict[str, list[SliceHeader]] = defaultdict(list)
    for header, value in zip(slices, values, strict=True):
        stacks[value].append(header)
    return stacks


def _alternate(values: Sequence[str], stacks: dict[str, list[SliceHeader]]) -> bool:
    """Return whether values come back after others, over more than an overlap of stacks that follow each other."""
    n_runs = 1 + sum(first != second for first, second in pairwise(values))
    n_volumes = sum(len(stack) >= ENOUGH_SLICES.limit for stack in stacks.values())
    # Stacks that follow each other have a run each; those that overlap by one position have a run more.
    return n_volumes >= 2 and n_runs > 2 * len(stacks)


def _one_of(name: str, stacks: dict[str, list[SliceHeader]], gate: Gate) -> Slices:
    items = [f"{name} {value or 'not given'}: {len(stack)} slices" for value, stack in stacks.items()]
    if not _are_even(stacks):
        got = f"{len(stacks)} that alternate, not evenly"
        gate.refuse(INTERLEAVED, got, items=items, expected=f"one {name}")
    value = max(stacks, key=lambda key: len(stacks[key]))
    got = f"{len(stacks)} that alternate; read {value or 'not given'}, the one with most slices or first"
    gate.judge(INTERLEAVED_CHOSEN, got, items=items, expected=f"one {name}")
    return tuple(stacks[value])


def _are_even(stacks: dict[str, list[SliceHeader]]) -> bool:
    return all(map(_is_even, stacks.values()))


def _is_even(stack: Sequence[SliceHeader]) -> bool:
    if len(stack) < ENOUGH_SLICES.limit:
        return False
    along = np.array([header.position_lps_mm for header in stack], dtype=np.float64) @ slice_normal(stack[0])
    return bool(np.ptp(np.diff(along)) <= 2 * EVEN_SPACING.limit)


def _warn_of_change(name: str, slices: Slices, values: Sequence[str], gate: Gate) -> None:
    steps = zip(slices[1:], pairwise(values), strict=True)
    changed = [header for header, (before, value) in steps if before != value]
    got = f"{', '.join(sorted(set(values))[:4])}, first change at {changed[0].name}"
    gate.judge(STEADY_RECONSTRUCTION, got, items=[header.place for header in changed], expected=f"one {name}")
