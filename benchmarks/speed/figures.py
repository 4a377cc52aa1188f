"""What was measured, against what, and what was to be reached?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Bound = Literal["at least", "at most"]


@dataclass(frozen=True)
class Goal:
    """What a ratio is to be: other / ours at least so many, or ours / other at most."""

    bound: Bound
    value: float

    def is_met(self, ratio: float) -> bool:
        """Return whether a ratio is good enough."""
        return ratio >= self.value if self.bound == "at least" else ratio <= self.value


@dataclass(frozen=True)
class Figure:
    """One line of the table: what ours and the alternative took, in one unit.

    ``ratio`` is other / ours where the goal is a least, ours / other where it is a most.
    """

    question: str
    scan: str
    ours: float
    against: str
    other: float
    unit: Literal["s", "MiB"]
    goal: Goal

    @property
    def ratio(self) -> float:
        """How much better, or how much of the other's cost."""
        return self.other / self.ours if self.goal.bound == "at least" else self.ours / self.other

    def as_json(self) -> dict[str, Any]:
        """Return the figure with its ratio and whether its goal is met."""
        return {**asdict(self), "ratio": self.ratio, "is_met": self.goal.is_met(self.ratio)}


@dataclass(frozen=True)
class FloorFigure:
    """What one patch of a scan must cost at least, and what it costs; bytes once inflated."""

    scan: str
    n_bytes: int
    read_s: float
    resample_s: float
    ours_fresh_s: float
    ours_cached_s: float
    ours_ten_s: float

    def as_json(self) -> dict[str, Any]:
        """Return the floor and how many times it ours takes."""
        return {**asdict(self), "times_the_floor": self.ours_fresh_s / (self.read_s + self.resample_s)}


@dataclass(frozen=True)
class Agreement:
    """How far our patch and SimpleITK's are apart at most, Hounsfield units: the proof that both did the same work."""

    scan: str
    max_abs_difference_hu: float

    def as_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return asdict(self)
