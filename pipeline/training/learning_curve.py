"""How many nodules does a local calibration take? Fitted to ever more patients, and judged on those left over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.bootstrap import estimate
from nodulus.pipeline.statistics.estimate import Estimate

from .local_nodules import Indices, LocalNodules, Values, log_loss
from .local_update import KINDS, Kind, fit_update, updated

SIZES = (10, 20, 40, 80, 160, 320, 640, 1280)
# At most this share of the nodules is fitted to, so that enough are left to judge by.
MOST_FITTED = 0.7
DRAWS = 200
_MOST_TRIES = 20


class CurvePoint(Record):
    """What changes of the calibration give when they are fitted to about ``nodules`` nodules.

    Args:
        nodules: that it was asked to be fitted to; patients come whole, so that some more may.
        draws: of patients, each judged on all patients left over.
        gain: by kind: log loss as shipped less that of the change: the median of the draws, and the ends between which
            95 % of them lie. Above 0 it helps.
    """

    nodules: int
    draws: int
    gain: dict[str, Estimate]


def learning_curve(nodules: LocalNodules, seed: int = 0, n_draws: int = DRAWS) -> tuple[CurvePoint, ...]:
    """Return the gain of each change by the number of nodules that it is fitted to."""
    random = np.random.default_rng(seed)
    sizes = [size for size in SIZES if size <= MOST_FITTED * len(nodules)]
    return tuple(point for size in sizes if (point := _point(nodules, size, n_draws, random)) is not None)


def nodules_needed(curve: Sequence[CurvePoint], kind: Kind) -> int | None:
    """Return from how many nodules on the change does no harm in 97.5 % of draws; None where that is not reached."""
    harmless = [point.gain[kind].low >= 0 for point in curve]
    for index, point in enumerate(curve):
        if all(harmless[index:]):
            return point.nodules
    return None


def _point(nodules: LocalNodules, size: int, n_draws: int, random: np.random.Generator) -> CurvePoint | None:
    gains: dict[str, list[float]] = {kind: [] for kind in KINDS[1:]}
    for fits, tests in _draws(nodules, size, n_draws, random):
        logits, labels = nodules.logits[tests], nodules.labels[tests]
        shipped = log_loss(logits, labels).mean()
        for kind in KINDS[1:]:
            update = fit_update(kind, nodules.logits[fits], nodules.labels[fits])
            gains[kind].append(float(shipped - log_loss(updated(update, logits), labels).mean()))
    n = len(gains[KINDS[1]])
    if not n:
        return None
    return CurvePoint(nodules=size, draws=n, gain={kind: _spread(np.asarray(each)) for kind, each in gains.items()})


def _draws(
    nodules: LocalNodules, size: int, n_draws: int, random: np.random.Generator
) -> Iterator[tuple[Indices, Indices]]:
    """Yield the rows of enough whole patients, drawn anew, and all others; both hold both classes."""
    names, patient_of = np.unique(np.asarray(nodules.patients), return_inverse=True)
    found = 0
    for _ in range(n_draws * _MOST_TRIES):
        place = random.permutation(len(names))[patient_of]
        # Those of the first patients in the drawn order, as many as it takes.
        taken = np.bincount(place, minlength=len(names)).cumsum()
        is_fitted = place <= int(np.searchsorted(taken, size))
        fits, tests = np.flatnonzero(is_fitted), np.flatnonzero(~is_fitted)
        if len(set(nodules.labels[fits].tolist())) == 2 == len(set(nodules.labels[tests].tolist())):
            found += 1
            yield fits, tests
        if found == n_draws:
            return


def _spread(gains: Values) -> Estimate:
    return estimate(float(np.median(gains)), gains)
