"""What a segmentation measures of a nodule, as the record says it."""

from __future__ import annotations

from pydantic import Field

from nodulus.pipeline.records import Record


class Measures(Record):
    """What a segmentation of the nodule measures: as radiologists would outline it, from its point and diameter.

    ``volume_mm3`` follows the stated diameter in part: it is a geometric mean, to three parts of the segmentation's
    volume and to one part of that of a ball of 1.12 times the diameter. All other numbers are the segmentation's alone.
    ``long_axis_mm`` is the longest distance across it within one slice of the scan, ``short_axis_mm`` the longest at a
    right angle to that in the same slice. ``method`` names the segmentation and its version, and that of the volume.
    Where it is not to be trusted there are no numbers, and ``problem`` says why.
    """

    volume_mm3: float | None = Field(default=None, gt=0)
    long_axis_mm: float | None = Field(default=None, gt=0)
    short_axis_mm: float | None = Field(default=None, gt=0)
    mean_hu: float | None = None
    method: str
    problem: str | None = None
