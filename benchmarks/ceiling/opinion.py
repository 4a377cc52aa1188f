"""A model of how ratings come about: a nodule has an opinion, a reader's impression is it and noise, cut into five.

Its noise has a standard deviation of 1. Opinions are spread as a sum of one or more normal distributions, panels of
each size in shares, place and width of their own, since nodules that fewer readers marked are others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr, softmax
from scipy.stats import norm

RATINGS = 5
# Panels of more readers are few, and count as of four where opinions are spread.
SIZES = (3, 4)
OPINIONS = np.linspace(-8, 8, 161)
NARROWEST = 0.15  # standard deviation; a narrower one falls between the grid's points
WIDTHS = slice(5, 7)  # where their logarithms stand among what is fitted: after four cuts and a shift
Values = NDArray[np.float64]


@dataclass(frozen=True)
class OpinionModel:
    """Opinions on a grid.

    Args:
        chances: of each rating, (n_opinions, 5).
        spread: of the opinions by size of the panel, each summing to 1.
    """

    chances: Values
    spread: Mapping[int, Values]


@dataclass(frozen=True)
class Fit:
    """A model, the numbers it is made of, and the negative logarithm of its likelihood."""

    model: OpinionModel
    parameters: Values
    loss: float


def panel_size(n_readers: int) -> int:
    """Return as which size a panel counts."""
    return min(max(n_readers, SIZES[0]), SIZES[-1])


def count_ratings(ratings: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    """Return how many readers gave each rating, (n_nodules, 5)."""
    return np.asarray([[list(panel).count(rating) for rating in range(1, RATINGS + 1)] for panel in ratings])


def fit_opinions(counts: NDArray[np.intp], weights: Values, n_normals: int, start: Values | None = None) -> Fit:
    """Return the most likely model of opinions that are spread as a sum of some normal distributions.

    Args:
        counts: of the ratings of each nodule, as ``count_ratings`` gives them.
        weights: how often each nodule counts.
        n_normals: how many are summed, at most five.
        start: numbers to begin with; without, from two sides, of which the better end counts.
    """
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    often = np.bincount(kind_of.ravel(), weights=weights, minlength=len(kinds))
    sizes = np.asarray([panel_size(int(kind.sum())) for kind in kinds])

    def loss(parameters: Values) -> float:
        model = _model(parameters, n_normals)
        likely = np.exp(kinds @ np.log(np.maximum(model.chances, 1e-300)).T)
        spread = np.asarray([model.spread[size] for size in sizes])
        return float(-often @ np.log((likely * spread).sum(axis=1) + 1e-300))

    # Bounded, since readers who always agree, or never, are most likely at infinity.
    bounds = [(-6.0, 6.0)] * len(_start(n_normals))
    bounds[WIDTHS] = [(float(np.log(NARROWEST)), 2.0)] * len(SIZES)
    starts = [_start(n_normals), _start(n_normals, -1)] if start is None else [start]
    ends = [minimize(loss, each, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000}) for each in starts]
    found = min(ends, key=lambda end: float(end.fun))
    return Fit(_model(found.x, n_normals), np.asarray(found.x), float(found.fun))


def _start(n_normals: int, side: int = 1) -> Values:
    """Return numbers to begin with: the normal distributions stand apart, the second on one side of the first."""
    cuts, away = [-1.6, 0.0, 0.2, 0.0], [side * each for each in (-2.0, 2.0, -4.0, 4.0)[: n_normals - 1]]
    shares = [-1.0] * ((n_normals - 1) * len(SIZES))
    return np.asarray([*cuts, 0.0, 0.0, 0.0, *away, *shares])


def _model(parameters: Values, n_normals: int) -> OpinionModel:
    """Return the model that some numbers stand for."""
    first, *steps = parameters[:4]
    cuts = first + np.concatenate([[0.0], np.cumsum(np.exp(steps))])
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    chances = np.diff(ndtr(edges - OPINIONS[:, None]), axis=1)
    # The first opinion of the larger panels is 0: all else is told from there.
    shift, widths, rest = parameters[4], np.exp(parameters[WIDTHS]), parameters[7:]
    others = n_normals - 1
    middles = np.concatenate([[0.0], rest[:others]])
    shares = rest[others : others * 3].reshape(len(SIZES), others)
    places = (middles + shift, middles)
    spread = {size: _spread(*each) for size, *each in zip(SIZES, places, widths, shares, strict=True)}
    return OpinionModel(chances, spread)


def _spread(middles: Values, width: float, shares: Values) -> Values:
    normals = norm.pdf(OPINIONS[:, None], middles, width)
    sums = (normals / np.maximum(normals.sum(axis=0), 1e-300)) @ softmax(np.concatenate([[0.0], shares]))
    return np.asarray(sums / sums.sum())
