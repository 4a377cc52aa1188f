"""Judges the readouts on validation patients, and out of fold on the published folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.frozen.page import SCORES as FROZEN_SCORES
from benchmarks.frozen.study import BASELINES, DIAMETER_BOX, OWN_BOX, Study, kept_scores, mean_of_logits, read_kept
from benchmarks.lidc.folds import FoldKey
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.lidc.scores import NETWORK, FoldScores
from benchmarks.places import RECORDS
from nodulus.pipeline.data.data_list import DataList, DataListItem
from nodulus.pipeline.training.calibrate import fit_logistic

LATE, MIDDLE, BOTH = "late stages", "middle", "both"
READOUTS = (LATE, MIDDLE, BOTH)
# Regressions of docs/records/frozen-features.md, beside which the late stages are put, too.
DEEPER = ("plain", "five views")
Margins = NDArray[np.float64]


@dataclass(frozen=True)
class Fold:
    """A division of nodules that late stages are trained on once a seed.

    Args:
        name: of it.
        data: its list.
    """

    name: str
    data: DataList


def logits(study: Study, training: Sequence[DataListItem], late: Margins) -> dict[str, Margins]:
    """Return each readout's logit (n, boxes) of all nodules: of the late stages, of the regression, and their sum.

    Both stand for the readers' mean chance: the regression's on scores that were crossed over the training patients.
    """
    fitted = study.regressions(training, {MIDDLE: tuple(study.said)})[MIDDLE]
    middle = fitted.logits(np.array([study.chance[item.nodule_id] for item in training]))
    return {LATE: late, MIDDLE: middle, BOTH: late + middle}


def out_of_fold(
    study: Study, folds: Mapping[FoldKey, Fold], late: Callable[[Fold], Sequence[Margins]]
) -> list[FoldScores]:
    """Return the scores of every test nodule: the readouts', the network's and the baselines'.

    Each readout is calibrated as the bundle is, on its validation patients.

    Args:
        study: the nodules.
        folds: the published ones.
        late: gives what late stages say that were trained on a fold, seed by seed.
    """
    kept, regressions = read_kept(RECORDS / SCORE_FILE), read_kept(FROZEN_SCORES)
    scored = []
    for key, fold in folds.items():
        test = fold.data.test
        scores = kept_scores(kept, key, test, (NETWORK, *BASELINES))
        of_seeds = [logits(study, fold.data.training, each) for each in late(fold)]
        for name in READOUTS:
            said = [each[name] for each in (of_seeds[:1] if name == MIDDLE else of_seeds)]  # no seed moves the middle
            found = [study.pick(expit(calibrated_on(fold.data.validation, study, each)), test) for each in said]
            scores[name] = np.stack([each[:, OWN_BOX] for each in found])
            scores[f"{name}, by diameter"] = np.stack([each[:, DIAMETER_BOX] for each in found])
        for name, deeper in kept_scores(regressions, key, test, DEEPER).items():
            scores[f"{name}, {LATE}"] = mean_of_logits(deeper, scores[LATE])
        scored.append(FoldScores(key, test, scores))
    return scored


def calibrated_on(validation: Sequence[DataListItem], study: Study, said: Margins) -> Margins:
    """Return logits (n, boxes) that a logistic function makes of others, fitted to decided validation nodules."""
    judged = [item for item in validation if item.label is not None]
    labels = np.repeat([int(item.label or 0) for item in judged], 2)
    found = fit_logistic(study.pick(said, judged).ravel(), labels)
    return found.slope * said + found.intercept
