"""How steady a score is, as the record says it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nodulus.pipeline.records import Record

# What was changed: where the nodule was asked for, how large it is, the scan's noise.
Cause = Literal["point", "size", "noise"]


class ScoreBand(Record):
    """The lowest and the highest malignant probability of ``n`` changed nodules and of the unchanged one."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    n: int = Field(ge=1)


class Stability(Record):
    """How far the malignant probability moves when what was asked for is changed a little, one thing at a time.

    ``low`` and ``high`` are the lowest and the highest of ``n`` changed nodules and of the unchanged one; ``by_cause``
    has them for each kind of change: the ``point`` moved by 1 mm, the ``size`` changed by 20 %, more ``noise`` of the
    scan's own kind, whose standard deviation is ``noise_hu`` (None where no even tissue shows it: then that cause is
    left out). Without a band ``problem`` says why.
    """

    low: float | None = Field(default=None, ge=0, le=1)
    high: float | None = Field(default=None, ge=0, le=1)
    n: int = 0
    by_cause: dict[Cause, ScoreBand] = Field(default_factory=dict)
    noise_hu: float | None = None
    problem: str | None = None
