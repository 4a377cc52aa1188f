"""Whether the numbers of a scan can be Hounsfield units, told from a few of its slices."""

from __future__ import annotations

from collections.abc import Sequence

from .gate import Gate
from .gate_rules import HAS_AIR, HU_RANGE, PADDING
from .slice_header import SliceHeader
from .slice_pixels import padding_is_applied, slice_hu

_PROBED = (0.25, 0.5, 0.75)


def check_hounsfield(slices: Sequence[SliceHeader], gate: Gate) -> None:
    """Decode three slices and refuse values that no CT has, or that show no air at all."""
    probed = [slices[int(part * (len(slices) - 1))] for part in _PROBED]
    images = [slice_hu(one) for one in probed]
    lowest = min(float(image.min()) for image in images)
    highest = max(float(image.max()) for image in images)
    where = f"in {probed[0].name} and {len(probed) - 1} more slices"
    if max(abs(lowest), abs(highest)) > HU_RANGE.tolerance:
        gate.broken(HU_RANGE, f"Expected values within {HU_RANGE.limit}, got {lowest:g} to {highest:g} {where}")
    if lowest > HAS_AIR.tolerance:
        gate.broken(HAS_AIR, f"Expected air of {HAS_AIR.limit}, got {lowest:g} to {highest:g} {where}")
    _check_padding(slices, gate)


def _check_padding(slices: Sequence[SliceHeader], gate: Gate) -> None:
    odd = [one for one in slices if one.pixels.padding is not None and not padding_is_applied(one)]
    if odd:
        got = f"stored {odd[0].pixels.padding}, a tissue's value, in {odd[0].name}: not applied"
        gate.broken(PADDING, f"Expected padding of {PADDING.limit}, got {got}", [one.place for one in odd])
