"""What the network was to reach, held against what it reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nodulus.pipeline.statistics.metrics import Estimate

from .record import Calibrated, Goal, Group, Repeat
from .scores import NETWORK, TITLES

DIAMETER = "diameter"
MEAN_AUC, GAIN_BY_SIZE, ECE = 0.97, 0.10, 0.05


def goals(
    repeats: Sequence[Repeat],
    everything: Group,
    size_matched: Group | None,
    calibration: Sequence[Calibrated],
    others: Sequence[str],
) -> tuple[Goal, ...]:
    """Return the goals with what was measured; nothing is, where there is no network or no full repeat.

    The size-matched goal is held against the pooled difference: a fold has only a handful of benign nodules of that
    size, and both scores are on one scale in all folds. That against diameter is held against its interval's lower end.

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
    return (
        _mean_auc([repeat.auc[NETWORK] for repeat in full] if has_network else []),
        *(_above(name, difference.get(name)) for name in others),
        _surely_above_diameter(difference.get(DIAMETER)),
        _gain_at_like_size(by_size.get(DIAMETER)),
        _calibrated([each.ece.value for each in calibration if each.rep in {repeat.rep for repeat in full}]),
    )


def _mean_auc(of_repeats: Sequence[float]) -> Goal:
    what = "mean AUC over the folds of a repeat, mean over the full repeats"
    return Goal(what=what, bound=MEAN_AUC, at="at least", value=_mean(of_repeats))


def _above(name: str, difference: Estimate | None) -> Goal:
    what = f"mean AUC less that of {TITLES[name]}, all folds"
    return Goal(what=what, bound=0.0, at="above", value=None if difference is None else difference.value)


def _surely_above_diameter(difference: Estimate | None) -> Goal:
    what = f"lower end of the paired 95 % interval of the mean AUC less that of {DIAMETER}, all folds"
    return Goal(what=what, bound=0.0, at="above", value=None if difference is None else difference.low)


def _gain_at_like_size(difference: Estimate | None) -> Goal:
    what = f"pooled AUC less that of {DIAMETER}, 8 to 15 mm"
    return Goal(what=what, bound=GAIN_BY_SIZE, at="at least", value=None if difference is None else difference.value)


def _calibrated(eces: Sequence[float]) -> Goal:
    what = "expected calibration error out of fold, mean over full repeats and networks"
    return Goal(what=what, bound=ECE, at="at most", value=_mean(eces))


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
