"""One rule for whatever holds several parts: each is a nodule of its own, and specks are left out with a note."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .nodule import MAX_DIAMETER_MM
from .shapes import Shape

# Beside a larger part, one below this is a speck: LIDC-IDRI's readers outlined nothing below 3 mm, and voxels
# take up to half a millimetre off so small a ball.
SPECK_MM = 2.5
# Where a label has nothing larger, what it has is meant, down to what a few voxels can show.
MIN_PART_MM = 2.0
# What holds more than the largest nodule is an organ, and so are its smaller parts.
MAX_VOLUME_MM3 = math.pi / 6 * MAX_DIAMETER_MM**3


def parts_kept(name: str, shapes: Sequence[Shape]) -> tuple[list[tuple[str, Shape]], list[str]]:
    """Return the parts of a label that are nodules, by name, largest first, and notes on those left out.

    One part keeps the label's name; several are called name.1, name.2, ...

    >>> ball = Shape((0.0, 0.0, 0.0), 8.0, None)
    >>> [name for name, _ in parts_kept("R1", [ball, ball])[0]]
    ['R1.1', 'R1.2']
    """
    if not shapes:
        return [], []
    largest_mm = max(shape.diameter_mm for shape in shapes)
    if largest_mm > MAX_DIAMETER_MM:
        return [], [f"{name!r} left out: a diameter of {largest_mm:.0f} mm, more than a nodule has"]
    least_mm = SPECK_MM if largest_mm >= SPECK_MM else MIN_PART_MM
    kept = sorted((part for part in shapes if part.diameter_mm >= least_mm), key=lambda part: -part.diameter_mm)
    notes = []
    if len(kept) < len(shapes):
        notes.append(f"{len(shapes) - len(kept)} of {len(shapes)} parts of {name!r} left out: below {least_mm:g} mm")
    if len(kept) == 1:
        return [(name, kept[0])], notes
    return [(f"{name}.{n}", shape) for n, shape in enumerate(kept, 1)], notes
