"""Is a shipped calibration right at another place, and if not, must it be moved, or stretched, too?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from nodulus.pipeline.readout.calibration import LocalUpdate, Logistic
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.estimate import Estimate

from .calibrate import fit_logistic
from .local_nodules import LocalNodules, Values, log_loss, mean_gain, patient_folds

Kind = Literal["as shipped", "in the large", "intercept and slope"]
# From the simplest on: a richer one is taken only where it is shown to do better than what was taken so far.
KINDS: tuple[Kind, ...] = get_args(Kind)
REPEATS = 4
_FARTHEST = 50.0  # no intercept lies further: probabilities would be 0 or 1


class UpdateTrial(Record):
    """What one way to change the calibration gives on patients that it was not fitted to.

    Args:
        kind: the way.
        log_loss: mean over nodules, out of fold.
        gain: log loss as shipped less this one, with the bootstrap interval of the patients; above 0 it helps.
    """

    kind: Kind
    log_loss: float
    gain: Estimate


def fit_update(kind: Kind, logits: Values, labels: NDArray[np.intp]) -> Logistic:
    """Return the change of a logit that some labelled nodules ask for.

    "in the large" finds the intercept at which as many are malignant as the probabilities say (its maximum likelihood).
    """
    if kind == "as shipped":
        return Logistic(slope=1.0, intercept=0.0)
    if kind == "intercept and slope":
        return fit_logistic(logits, labels)

    def excess(intercept: float) -> float:
        return float((expit(logits + intercept) - labels).sum())

    # Of one class alone no intercept is far enough.
    if excess(-_FARTHEST) >= 0 or excess(_FARTHEST) <= 0:
        return Logistic(slope=1.0, intercept=_FARTHEST if labels.all() else -_FARTHEST)
    return Logistic(slope=1.0, intercept=float(brentq(excess, -_FARTHEST, _FARTHEST)))


def updated(update: Logistic, logits: Values) -> Values:
    """Return the changed logits."""
    return np.asarray(update.slope * logits + update.intercept)


def choose_update(nodules: LocalNodules) -> tuple[Kind, tuple[UpdateTrial, ...]]:
    """Return which change is shown to help, and what each gave out of fold.

    One is taken over a simpler one only where the interval of its gain in log loss, over the patients, excludes zero.
    """
    losses = {kind: _out_of_fold(kind, nodules) for kind in KINDS}
    shipped = losses["as shipped"]
    chosen: Kind = "as shipped"
    for kind in KINDS[1:]:
        if mean_gain(losses[chosen] - losses[kind], nodules.patients).low > 0:
            chosen = kind
    return chosen, tuple(
        UpdateTrial(kind=kind, log_loss=float(loss.mean()), gain=mean_gain(shipped - loss, nodules.patients))
        for kind, loss in losses.items()
    )


def local_update(kind: Kind, trials: tuple[UpdateTrial, ...], nodules: LocalNodules) -> LocalUpdate | None:
    """Return a change fitted to all nodules, None of a calibration that stays as shipped."""
    if kind == "as shipped":
        return None
    fitted = fit_update(kind, nodules.logits, nodules.labels)
    (gain,) = (trial.gain for trial in trials if trial.kind == kind)
    return LocalUpdate(kind=kind, intercept=fitted.intercept, slope=fitted.slope, log_loss_gain=gain)


def _out_of_fold(kind: Kind, nodules: LocalNodules) -> Values:
    """Return the log loss of each nodule, fitted without its patient, mean over several divisions."""
    return np.asarray(np.mean(list(_losses(kind, nodules)), axis=0))


def _losses(kind: Kind, nodules: LocalNodules) -> Iterator[Values]:
    for seed in range(REPEATS):
        loss = log_loss(nodules.logits, nodules.labels)
        for fits, tests in patient_folds(nodules, seed):
            update = fit_update(kind, nodules.logits[fits], nodules.labels[fits])
            loss[tests] = log_loss(updated(update, nodules.logits[tests]), nodules.labels[tests])
        yield loss
