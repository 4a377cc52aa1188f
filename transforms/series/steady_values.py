"""Whether values go on where the header's account of them changes from slice to slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.value_rules import RESCALE_STEADY
from nodulus.transforms.gate.verdict import Gate

from .slice_samples import Coarse, SliceSamples, distance_hu, tissue_offset_hu
from .slice_stack import slice_normal

Slices = Sequence[SliceHeader]
Account = tuple[float | None, float | None, str, bool, int, int, int]

_ROUNDING_HU = 2.0


def account_of(header: SliceHeader) -> Account:
    """Return all that a header says of how stored numbers become Hounsfield units."""
    layout = header.pixels
    bits = (layout.is_signed, layout.bits_allocated, layout.bits_stored, layout.high_bit)
    return header.slope, header.intercept, header.rescale_type, *bits


def slices_at_changes(slices: Slices) -> list[int]:
    """Return the slices, by index, whose account of their values is not that of the one before or after them."""
    changes = [k for k, (first, second) in enumerate(pairwise(map(account_of, slices))) if first != second]
    return sorted({k for change in changes for k in (change, change + 1)})


def check_steady(slices: Slices, samples: SliceSamples, gate: Gate) -> None:
    """Refuse slices that are unlike their neighbours where what the header says of their values changes.

    Args:
        slices: the series in the order of positions.
        samples: of its slices.
        gate: what refuses, or is warned.
    """
    if len(slices) < 3:
        return
    odd = [k for k in slices_at_changes(slices) if _is_unlike(slices, k, samples)]
    if not odd:
        return
    named = _rarest(slices, odd)
    got = f"{len(named)} unlike the neighbours ({_shown(named[0])})"
    places = [header.place for header in named]
    gate.judge(RESCALE_STEADY, got, named[0].name, places, expected="values that go on from slice to slice")


def _rarest(slices: Slices, odd: Sequence[int]) -> list[SliceHeader]:
    """Return those of the odd slices and their neighbours that have the rarest account: a liar makes both odd."""
    counts = Counter(map(account_of, slices))
    suspects = [
        slices[k] for k in sorted({k + step for k in odd for step in (-1, 0, 1) if 0 <= k + step < len(slices)})
    ]
    rarest = min(counts[account_of(header)] for header in suspects)
    return [header for header in suspects if counts[account_of(header)] == rarest]


def _is_unlike(slices: Slices, k: int, samples: SliceSamples) -> bool:
    """Return whether a slice is further from its neighbours than anatomy allows."""
    near, far = _witnesses(slices, k)
    lying, before, after = (samples.coarse_hu(slices[index]) for index in (k, near, far))
    return is_unlike(lying, before, after, _part_of_the_way(*(slices[index] for index in (k, near, far))))


def is_unlike(lying: Coarse, before: Coarse, after: Coarse, part: float) -> bool:
    """Return whether a slice that stands so far on the way between two others is further off than anatomy allows."""
    expected = before + np.float32(part) * (after - before)
    if abs(tissue_offset_hu(lying, expected)) > RESCALE_STEADY["within"]:
        return True
    aside = distance_hu(before, after)
    if part > 0:
        away = (distance_hu(lying, before) + distance_hu(lying, after)) / 2
    else:  # both stand on one side, half as far from each other as on two
        away, aside = distance_hu(lying, before), 2 * aside * max(-part, 1.0)
    return away > RESCALE_STEADY["distance_at_most"] * aside + _ROUNDING_HU


def _part_of_the_way(lying: SliceHeader, before: SliceHeader, after: SliceHeader) -> float:
    """Return where a slice stands between two others, from 0 to 1; below 0 where it stands before both."""
    positions = np.array([header.position_lps_mm for header in (lying, before, after)], dtype=np.float64)
    at, start, end = positions @ slice_normal(lying)
    return float((at - start) / (end - start))


def _witnesses(slices: Slices, k: int) -> tuple[int, int]:
    """Return the slices before and after one; the next two on one side where it ends, or where the account changes.

    A neighbour of the same account may lie, too.
    """
    n, own = len(slices), account_of(slices[k])
    before_tells = k > 1 and account_of(slices[k - 1]) != own
    after_tells = k < n - 2 and account_of(slices[k + 1]) != own
    if before_tells == after_tells and 0 < k < n - 1:
        return k - 1, k + 1
    return (k - 1, k - 2) if before_tells or k == n - 1 else (k + 1, k + 2)


def _shown(header: SliceHeader) -> str:
    layout = header.pixels
    sign = "signed" if layout.is_signed else "unsigned"
    return f"slope {header.slope:g}, intercept {header.intercept:g}, {layout.bits_stored} bits, {sign}"
