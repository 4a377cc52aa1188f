"""A value, or a curve, with the uncertainty that few patients leave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Band:
    """A curve on a grid and its 95 % confidence interval at every point of the grid (pointwise, not simultaneous)."""

    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
