"""How large is a nodule? By its outline, and in part by its stated diameter: the two err apart."""

from __future__ import annotations

import math

# A ball of the table's diameter is smaller than the readers' outlines: theirs hold the rim. Median of the training
# patients, as a factor of the diameter.
OUTLINE_PER_DIAMETER = 1.12
# Of the ball in the geometric mean. More would follow a wrong diameter further (docs/decisions/0052).
BALL_WEIGHT = 0.25


def settled_volume_mm3(outline_mm3: float, diameter_mm: float) -> float:
    """Return a nodule's volume: to three parts its outline's and to one a ball's, by their geometric mean.

    >>> ball_mm3 = ball_volume_mm3(8.0)
    >>> round(settled_volume_mm3(16 * ball_mm3, 8.0) / ball_mm3, 6)
    8.0

    Args:
        outline_mm3: volume of its outline.
        diameter_mm: as stated. One that was measured at a point is the outline's own, so that the ball changes nothing.
    """
    return float(outline_mm3 ** (1 - BALL_WEIGHT) * ball_volume_mm3(diameter_mm) ** BALL_WEIGHT)


def ball_volume_mm3(diameter_mm: float) -> float:
    """Return the volume that readers' outlines have at a diameter: that of a ball, with its rim."""
    return math.pi / 6 * (OUTLINE_PER_DIAMETER * diameter_mm) ** 3
