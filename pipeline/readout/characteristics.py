"""The eight characteristics that LIDC readers rate beside malignancy, on their scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A reader's scale from ``low`` to ``high``, whole numbers, and what its two ends mean."""

    low: int
    high: int
    low_means: str
    high_means: str

    def fraction_of(self, rating: float) -> float:
        """Return where a rating lies between the ends, 0 to 1."""
        return (rating - self.low) / (self.high - self.low)

    def rating_of(self, fraction: float) -> float:
        """Return the rating that lies at a fraction of the way from the low to the high end."""
        return self.low + fraction * (self.high - self.low)


# Scales and their ends: McNitt-Gray et al., Academic Radiology 14 (2007) 1464-1474, as LIDC-IDRI's XML holds them.
CHARACTERISTICS: Mapping[str, Scale] = {
    "subtlety": Scale(1, 5, "extremely subtle", "obvious"),
    "internal_structure": Scale(1, 4, "soft tissue", "air"),
    "calcification": Scale(1, 6, "popcorn", "absent"),
    "sphericity": Scale(1, 5, "linear", "round"),
    "margin": Scale(1, 5, "poorly defined", "sharp"),
    "lobulation": Scale(1, 5, "none", "marked"),
    "spiculation": Scale(1, 5, "none", "marked"),
    "texture": Scale(1, 5, "non-solid", "solid"),
}

# The channels of the network's output, in order; all are logits, the first two of one softmax.
CLASSES = ("benign", "malignant")
OUTPUTS = (*CLASSES, *CHARACTERISTICS)


def mean_fraction(name: str, ratings: Sequence[int]) -> float:
    """Return the readers' mean rating of a characteristic as a fraction of its scale."""
    return CHARACTERISTICS[name].fraction_of(sum(ratings) / len(ratings))
