"""What the network was to reach, held against what it reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    lowest = difference.get(DIAMETER)
    gain = by_size.get(DIAMETER)
    mean_auc = math.fsum(repeat.auc[NETWORK] for repeat in full) / len(full) if has_network else None
    eces = [each.ece.value for each in calibration if each.rep in {repeat.rep for repeat in full}]
    mean_ece = math.fsum(eces) / len(eces) if eces else None
    return (
        Goal(
            what="mean AUC over the folds of a repeat, mean over the full repeats",
            bound=MEAN_AUC,
            at="at least",
            value=mean_auc,
        ),
        *(
            Goal(
                what=f"mean AUC less that of {TITLES[name]}, all folds",
                bound=0.0,
                at="above",
                value=difference[name].value if name in difference else None,
            )
            for name in others
        ),
        Goal(
            what=f"lower end of the paired 95 % interval of the mean AUC less that of {DIAMETER}, all folds",
            bound=0.0,
            at="above",
            value=None if lowest is None else lowest.low,
        ),
        Goal(
            what=f"pooled AUC less that of {DIAMETER}, 8 to 15 mm",
            bound=GAIN_BY_SIZE,
            at="at least",
            value=None if gain is None else gain.value,
        ),
        Goal(
            what="expected calibration error out of fold, mean over full repeats and networks",
            bound=ECE,
            at="at most",
            value=mean_ece,
        ),
    )
