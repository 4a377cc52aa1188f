"""What else a header says about the order of slices: it decides nothing, but a contradiction is worth a warning."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.series_rules import METADATA_ORDER, SLICE_LOCATION
from nodulus.transforms.gate.verdict import Gate


def check_metadata_order(slices: Sequence[SliceHeader], along_mm: NDArray[np.float64], gate: Gate) -> None:
    """Warn where SliceLocation or the instance numbers contradict the positions of slices that are in order.

    Args:
        slices: slices in the order of their positions.
        along_mm: where they stand along the normal.
        gate: what is warned.
    """
    _check_location(slices, along_mm, gate)
    _check_order(slices, gate)


def _check_location(slices: Sequence[SliceHeader], along_mm: NDArray[np.float64], gate: Gate) -> None:
    locations = [header.location_mm for header in slices]
    if None in locations:
        return
    values = np.array(locations, dtype=np.float64)
    off_mm = min(np.ptp(values - along_mm), np.ptp(values + along_mm))
    if not off_mm <= SLICE_LOCATION.limit:
        expected = f"SliceLocation to run with the positions within {SLICE_LOCATION.limit}"
        gate.judge(SLICE_LOCATION, f"{off_mm:.2f} mm off", f"{slices[0].name} and those after it", expected=expected)


def _check_order(slices: Sequence[SliceHeader], gate: Gate) -> None:
    numbers = [header.instance_number for header in slices if header.instance_number is not None]
    if len(numbers) < len(slices):
        return
    upward = longest_ascent(numbers) >= longest_ascent([-number for number in numbers])
    n_ordered = longest_ascent(numbers) if upward else longest_ascent([-number for number in numbers])
    n_odd = len(numbers) - n_ordered
    if 0 < n_odd <= max(1, METADATA_ORDER["few_are_at_most"] / 100 * len(numbers)):
        got, place = f"{n_odd} out of order of {len(numbers)}", f"{slices[0].name} and those after it"
        gate.judge(METADATA_ORDER, got, place, expected="instance numbers to run with the positions")


def longest_ascent(numbers: Sequence[float]) -> int:
    """Return the length of the longest subsequence that does not fall.

    >>> longest_ascent([1, 2, 9, 3, 4])
    4
    """
    ends: list[float] = []
    for number in numbers:
        place = bisect_right(ends, number)
        ends[place : place + 1] = [number]
    return len(ends)
