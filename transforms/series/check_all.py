"""One rule for all slices: those that break it are named at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nodulus.transforms.dicom.slice_header import SliceHeader
from nodulus.transforms.gate.rule import GateRule
from nodulus.transforms.gate.verdict import Gate


def check_all(
    slices: Sequence[SliceHeader],
    gate: Gate,
    rule: GateRule,
    holds: Callable[[SliceHeader], bool],
    expected: str,
    got: Callable[[SliceHeader], str],
) -> None:
    """Report the slices for which a rule does not hold, with what was expected and got in the first."""
    broken = [one for one in slices if not holds(one)]
    if broken:
        more = f" and {len(broken) - 1} more slices" if len(broken) > 1 else ""
        message = f"Expected {expected}, got {got(broken[0])} in {broken[0].name}{more}"
        gate.broken(rule, message, [one.place for one in broken])
