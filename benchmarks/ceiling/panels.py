"""A panel of readers divided in two: some judge a nodule, others give it its label."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.lidc.folds import median_label

Ratings = Sequence[int]


class Way(NamedTuple):
    """Which readers of a panel judge, and which give the label, by their places in it."""

    judges: tuple[int, ...]
    labellers: tuple[int, ...]


Divides = Callable[[int], list[Way]]


def one_and_the_others(n_readers: int) -> list[Way]:
    """Return each reader beside all the others.

    >>> one_and_the_others(3)[0]
    Way(judges=(0,), labellers=(1, 2))
    """
    places = range(n_readers)
    return [Way((one,), tuple(other for other in places if other != one)) for one in places]


def two_and_two(n_readers: int) -> list[Way]:
    """Return every two readers beside every two of the others; none where they are fewer than four.

    >>> len(two_and_two(4)), len(two_and_two(3))
    (6, 0)
    """
    places = range(n_readers)
    return [
        Way(judges, labellers)
        for judges in combinations(places, 2)
        for labellers in combinations([each for each in places if each not in judges], 2)
    ]


def the_same_two(n_readers: int) -> list[Way]:
    """Return the ways of ``two_and_two``, the label given by those who judge."""
    return [Way(way.judges, way.judges) for way in two_and_two(n_readers)]


def everyone(n_readers: int) -> list[Way]:
    """Return the whole panel as what gives the label, which nobody is left to judge."""
    return [Way((), tuple(range(n_readers)))]


@dataclass(frozen=True)
class Readings:
    """The ways to divide the panels of some nodules in which the labellers are decided, a row each.

    Args:
        n_nodules: of which some may have no such way.
        nodules: the place of each row's nodule.
        ways: of each row.
        weights: one over the number of ways to divide the row's panel, decided or not: a nodule counts as often as its
            labellers are decided.
        labels: 0 benign, 1 malignant: median of the labellers' ratings below or above 3.
    """

    n_nodules: int
    nodules: NDArray[np.intp]
    ways: tuple[Way, ...]
    weights: NDArray[np.float64]
    labels: NDArray[np.intp]

    def judged(self, ratings: Sequence[Ratings]) -> NDArray[np.float64]:
        """Return the judges' mean rating, a row each."""
        rows = zip(self.nodules, self.ways, strict=True)
        return np.asarray([np.mean([ratings[nodule][judge] for judge in way.judges]) for nodule, way in rows])

    def only(self, nodules: Collection[int]) -> tuple[Readings, NDArray[np.intp]]:
        """Return the rows of some nodules, whose places stay what they are, and which rows these are."""
        rows = np.flatnonzero(np.isin(self.nodules, list(nodules)))
        ways = tuple(self.ways[row] for row in rows)
        return Readings(self.n_nodules, self.nodules[rows], ways, self.weights[rows], self.labels[rows]), rows


def divide(ratings: Sequence[Ratings], divides: Divides) -> Readings:
    """Return the ways to divide each panel.

    Args:
        ratings: of malignancy, each nodule's, one a reader.
        divides: the ways for a number of readers.
    """
    rows = [
        (nodule, way, 1 / len(ways), label)
        for nodule, panel in enumerate(ratings)
        for ways in [divides(len(panel))]
        for way in ways
        if (label := median_label([panel[reader] for reader in way.labellers])) is not None
    ]
    nodules, ways, weights, labels = zip(*rows, strict=True)
    return Readings(len(ratings), np.asarray(nodules), ways, np.asarray(weights), np.asarray(labels))
