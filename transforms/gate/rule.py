"""What a rule of the series gate is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nodulus.transforms.problems import ProblemCode as Code


@dataclass(frozen=True)
class GateRule:
    """One rule of the gate.

    Args:
        code: the problem that a scan has which breaks the rule.
        expects: what is expected.
        reason: why, and why this tolerance.
        tolerance: the limit, in ``unit``; None where there is nothing to measure.
        unit: unit of the tolerance.
        action: what happens to a scan that breaks the rule.
        may_be_allowed: whether ``allow`` admits such a scan, with a warning that says so.
    """

    code: Code
    expects: str
    reason: str
    tolerance: float = 0.0
    unit: str = ""
    action: Action = "refuse"
    may_be_allowed: bool = False

    @property
    def limit(self) -> str:
        """The tolerance as people read it."""
        return f"{self.tolerance:g} {self.unit}" if self.unit else "exact"


Action = Literal["refuse", "warn", "set aside"]
