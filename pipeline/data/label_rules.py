"""The ways to make a label from readers' malignancy ratings: results move with the rule, so each is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

Rule = Callable[[Sequence[int]], int | None]


def _mean_excluding_3(ratings: Sequence[int]) -> int | None:
    return _side(sum(ratings) - 3 * len(ratings))


def _median_excluding_3(ratings: Sequence[int]) -> int | None:
    return _side(median(ratings) - 3)


def _median_firm(ratings: Sequence[int]) -> int | None:
    middle = median(ratings)
    return None if 2 < middle < 4 else int(middle >= 4)


def _mean_3_as_benign(ratings: Sequence[int]) -> int | None:
    return int(sum(ratings) > 3 * len(ratings))


def _mean_3_as_malignant(ratings: Sequence[int]) -> int | None:
    return int(sum(ratings) >= 3 * len(ratings))


def _side(difference: float) -> int | None:
    return None if difference == 0 else int(difference > 0)


# Each takes a nodule's ratings, 1 to 5, and returns 0 benign, 1 malignant, or None: left out.
LABEL_RULES: Mapping[str, Rule] = {
    "mean above 3 against below 3": _mean_excluding_3,
    "median above 3 against below 3": _median_excluding_3,
    "median at least 4 against at most 2": _median_firm,
    "mean above 3 against 3 and below": _mean_3_as_benign,
    "mean 3 and above against below 3": _mean_3_as_malignant,
}
