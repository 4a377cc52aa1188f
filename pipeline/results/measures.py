"""What a segmentation measures of a nodule, as the record says it."""

from __future__ import annotations

from pydantic import Field

from nodulus.pipeline.records import Record


class Measures(Record):
    """What a segmentation of the nodule measures: as radiologists would outline it, from its point and diameter.

    ``long_axis_mm`` is the longest distance across it within one slice of the scan, ``short_axis_mm`` the longest at a
    right angle to that in the same slice. ``method`` names the segmentation and its version. Where it is not to be
    trusted there are no numbers, and ``problem`` says why.
    """

    volume_mm3: float | None = Field(default=None, gt=0)
    long_axis_mm: float | None = Field(default=None, gt=0)
    short_axis_mm: float | None = Field(default=None, gt=0)
    mean_hu: float | None = None
    method: str
    problem: str | None = None
