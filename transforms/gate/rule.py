"""What a rule of the series gate is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nodulus.transforms.problems import ProblemCode as Code


class Limit(float):
    """A number that a rule sets, which reads with its unit.

    >>> limit = Limit(5, "mm")
    >>> 6.0 > limit, f"at most {limit}", f"{limit:g}"
    (True, 'at most 5 mm', '5')
    """

    unit: str

    def __new__(cls, value: float, unit: str) -> Limit:
        """Return the number with its unit."""
        limit = super().__new__(cls, value)
        limit.unit = unit
        return limit

    def __str__(self) -> str:
        return f"{float(self):g} {self.unit}".rstrip()


# eq=False: a rule is itself, however alike another is.
@dataclass(frozen=True, eq=False)
class GateRule:
    """One rule of the gate.

    Args:
        code: the problem that a scan has which breaks the rule.
        expects: what is expected, as it follows the word "Expected"; limits stand in it by name, in braces.
        reason: why, and why these limits, which may be named as in ``expects``.
        limits: the numbers that decide, by name; the first is the one that ``limit`` gives.
        action: what happens to a scan that breaks the rule.
        may_be_allowed: whether ``allow`` admits such a scan, with a warning that says so.
    """

    code: Code
    expects: str
    reason: str
    limits: Mapping[str, Limit] = field(default_factory=dict)
    action: Action = "refuse"
    may_be_allowed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "expects", self.expects.format(**self.limits))
        object.__setattr__(self, "reason", self.reason.format(**self.limits))

    def __getitem__(self, name: str) -> Limit:
        return self.limits[name]

    @property
    def limit(self) -> Limit:
        """The first limit: the only one of most rules."""
        return next(iter(self.limits.values()))


Action = Literal["refuse", "warn", "set aside"]
