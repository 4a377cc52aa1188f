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
    got: Callable[[SliceHeader], str],
    expected: str = "",
) -> None:
    """Report the slices for which a rule does not hold, with what was got in the first."""
    broken = [header for header in slices if not holds(header)]
    if broken:
        more = f" and {len(broken) - 1} more slices" if len(broken) > 1 else ""
        gate.judge(
            rule, got(broken[0]), f"{broken[0].name}{more}", [header.place for header in broken], expected=expected
        )
