"""How large is the nodule at a point, where nobody says? The diameter whose outline has that diameter itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .extent import extent_of
from .outline import Outline
from .settled_volume import OUTLINE_PER_DIAMETER

START_MM = 8.0
SMALLEST_MM, LARGEST_MM = 4.0, 28.0
_MOST_ROUNDS = 8
_SETTLED = 0.02


def outline_of_own_diameter(outline_of: Callable[[float], Outline | None]) -> tuple[float, Outline] | None:
    """Return a nodule's diameter in mm and its outline, None where there is no outline.

    Args:
        outline_of: makes the outline of a diameter in mm, at the point. It is asked for 8 mm, then for the size of what
            it made, until that stays within 2 %, or for eight rounds.
    """
    diameter_mm, found = START_MM, None
    for _ in range(_MOST_ROUNDS):
        found = outline_of(diameter_mm)
        if found is None:
            return None
        next_mm = diameter_of(found)
        is_settled = abs(next_mm / diameter_mm - 1) < _SETTLED
        diameter_mm = float(np.clip(next_mm, SMALLEST_MM, LARGEST_MM))
        if is_settled:
            break
    return None if found is None else (diameter_mm, found)


def diameter_of(found: Outline) -> float:
    """Return the diameter in mm that readers' tables would give a nodule of this outline."""
    volume_mm3 = extent_of(found.is_nodule, found.around.scan.grid.affine_lps).volume_mm3
    return float((6 * volume_mm3 / np.pi) ** (1 / 3)) / OUTLINE_PER_DIAMETER
