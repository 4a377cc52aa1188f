"""What readers know of the label that other readers give, and what the network knows of that same label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .characteristics import characteristics_scores
from .nodules import Scored
from .pairs import auc, auc_gain, count_pairs
from .panels import Divides, Readings, divide, one_and_the_others, the_same_two, two_and_two

ONE, TWO, OTHERS, SAME = "one_reader", "two_readers", "others_characteristics", "same_characteristics"
DIVIDED: Mapping[str, Divides] = {
    ONE: one_and_the_others,
    TWO: two_and_two,
    OTHERS: two_and_two,
    SAME: the_same_two,
}


def measure_readers(scored: Scored) -> dict[str, Any]:
    """Return by name what readers reach: on all nodules at hand, and on those that have a score, beside the score."""
    found: dict[str, Any] = {}
    for name, divides in DIVIDED.items():
        readings = divide(scored.ratings, divides)
        by_rating = name in (ONE, TWO)
        judged = readings.judged(scored.ratings) if by_rating else characteristics_scores(scored, readings)
        at_hand = {"nodules": _n(readings), "auc": asdict(auc(count_pairs(readings, judged), scored.patients))}
        found[name] = {"at_hand": at_hand, **_beside_the_score(scored, readings, judged)}
    return found


def _beside_the_score(scored: Scored, readings: Readings, judged: NDArray[np.float64]) -> dict[str, Any]:
    tested, rows = readings.only(scored.tested)
    theirs = count_pairs(tested, judged[..., rows])
    ours = count_pairs(tested, scored.scores[:, tested.nodules])
    return {
        "nodules": _n(tested),
        "auc": asdict(auc(theirs, scored.patients)),
        "score": asdict(auc(ours, scored.patients)),
        "score_gain": asdict(auc_gain(ours, theirs, scored.patients)),
    }


def _n(readings: Readings) -> int:
    return len(set(readings.nodules.tolist()))
