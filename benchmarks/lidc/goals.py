"""What the network was to reach, held against what it reached."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from nodulus.pipeline.statistics.metrics import Estimate

from .record import Calibrated, Goal, Group, Repeat
from .scores import NETWORK, TITLES

DIAMETER = "diameter"
MEAN_AUC, GAIN_BY_SIZE, ECE, SLOPES = 0.974, 0.20, 0.03, (0.9, 1.1)


def goals(
    repeats: Sequence[Repeat],
    everything: Group,
    size_matched: Group | None,
    calibration: Sequence[Calibrated],
    others: Sequence[str],
) -> tuple[Goal, ...]:
    """Return the goals with what was measured; nothing is, where there is no network or no full repeat.

    To be above another score is held against the lower end of the paired interval of the mean AUC over all folds. At
    like size it is the pooled difference: a fold has only a handful of benign nodules of that size, and both scores are
    on one scale in all folds.

    Args:
        repeats: compared.
        everything: all nodules.
        size_matched: those of 8 to 15 mm; None where they cannot be compared.
        calibration: by repeat and network.
        others: the scores that the network is to be above.
    """
    full = [repeat for repeat in repeats if repeat.is_full]
    has_network = bool(full) and NETWORK in everything.fold_mean
    difference = everything.fold_mean_difference if has_network else {}
    by_size = size_matched.pooled_difference if has_network and size_matched else {}
    calibrated = [each for each in calibration if each.rep in {repeat.rep for repeat in full}]
    slopes = [each.slope.value for each in calibrated if each.slope]
    return (
        _mean_auc([repeat.auc[NETWORK] for repeat in full] if has_network else []),
        *(_above(name, difference.get(name)) for name in others),
        _gain_at_like_size(by_size.get(DIAMETER)),
        Goal(
            what="expected calibration error", bound=ECE, at="at most", value=_mean([c.ece.value for c in calibrated])
        ),
        _slope("least", "at least", SLOPES[0], min(slopes, default=None)),
        _slope("greatest", "at most", SLOPES[1], max(slopes, default=None)),
    )


def _mean_auc(of_repeats: Sequence[float]) -> Goal:
    return Goal(what="mean AUC", bound=MEAN_AUC, at="at least", value=_mean(of_repeats))


def _above(name: str, difference: Estimate | None) -> Goal:
    what = f"AUC less that of {TITLES[name]}, lower end"
    return Goal(what=what, bound=0.0, at="above", value=None if difference is None else difference.low)


def _gain_at_like_size(difference: Estimate | None) -> Goal:
    what = f"AUC less that of {DIAMETER}, 8 to 15 mm"
    return Goal(what=what, bound=GAIN_BY_SIZE, at="at least", value=None if difference is None else difference.value)


def _slope(which: str, at: Literal["at least", "at most"], bound: float, value: float | None) -> Goal:
    return Goal(what=f"{which} calibration slope", bound=bound, at=at, value=value)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
