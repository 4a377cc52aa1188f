"""Judges the readouts on validation patients, and out of fold on the published folds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.frozen.page import SCORES as FROZEN_SCORES
from benchmarks.frozen.study import BASELINES, DIAMETER_BOX, OWN_BOX, Study, mean_of_logits, read_kept
from benchmarks.lidc.folds import PublishedFolds, write_split
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.lidc.scores import NETWORK, FoldScores
from benchmarks.places import RECORDS
from benchmarks.pretrained.pack import FOLDS
from nodulus.pipeline.data.data_list import DataList, DataListItem
from nodulus.pipeline.data.lidc import CROPS_MAY_BE, prepare_lidc, read_crops
from nodulus.pipeline.data.places import nodules_outside
from nodulus.pipeline.statistics.metrics import roc_auc
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


def validation_folds(crops: Path) -> list[Fold]:
    """Return the folds of ``nodulus prepare lidc`` that settings are judged on."""
    with tempfile.TemporaryDirectory() as folder:
        return [Fold(f"fold{number}", prepare_lidc(crops, Path(folder) / "list.json", fold=number)) for number in FOLDS]


def published_folds(crops: Path, published: PublishedFolds) -> list[Fold]:
    """Return the published folds, divided as the benchmark of the network divides them."""
    with tempfile.TemporaryDirectory() as folder:
        items = read_crops(crops, Path(folder))
        outside = nodules_outside(items, Path(folder), CROPS_MAY_BE)
        return [
            Fold(str(key), write_split(items, Path(folder) / "list.json", key, published, outside))
            for key in published.select()
        ]


def logits(study: Study, fold: Fold, late: Margins) -> dict[str, Margins]:
    """Return each readout's logit (n, boxes) of all nodules: of the late stages, of the regression, and their sum.

    Both stand for the readers' mean chance: the regression's on scores that were crossed over the training patients.
    """
    training = fold.data.training
    fitted = study.regressions(training, {MIDDLE: tuple(study.said)})[MIDDLE]
    middle = fitted.logits(np.array([study.chance[item.nodule_id] for item in training]))
    return {LATE: late, MIDDLE: middle, BOTH: late + middle}


def validation_auc(study: Study, fold: Fold, said: Margins) -> float:
    """Return the AUC of logits over both boxes of a fold's decided validation nodules."""
    judged = [item for item in fold.data.validation if item.label is not None]
    return roc_auc(np.repeat([int(item.label or 0) for item in judged], 2), study.pick(said, judged).ravel())


def out_of_fold(
    study: Study, folds: Sequence[Fold], published: PublishedFolds, late: Callable[[Fold], Sequence[Margins]]
) -> list[FoldScores]:
    """Return the scores of every test nodule: the readouts', the network's and the baselines'.

    Each readout is calibrated as the bundle is, on its validation patients.

    Args:
        study: the nodules.
        folds: the published ones.
        published: what was published of them.
        late: gives what late stages say that were trained on a fold, seed by seed.
    """
    kept, regressions = read_kept(RECORDS / SCORE_FILE), read_kept(FROZEN_SCORES)
    scored = []
    for key, fold in zip(published.select(), folds, strict=True):
        test = fold.data.test
        rows = [kept[key, item.nodule_id] for item in test]
        scores = {name: _column(rows, name) for name in (NETWORK, *BASELINES)}
        deeper = [regressions[key, item.nodule_id] for item in test]
        of_seeds = [logits(study, fold, each) for each in late(fold)]
        for name in READOUTS:
            said = [each[name] for each in (of_seeds[:1] if name == MIDDLE else of_seeds)]  # no seed moves the middle
            found = [study.pick(expit(calibrated_on(fold.data.validation, study, each)), test) for each in said]
            scores[name] = np.stack([each[:, OWN_BOX] for each in found])
            scores[f"{name}, by diameter"] = np.stack([each[:, DIAMETER_BOX] for each in found])
        for name in DEEPER:
            scores[f"{name}, {LATE}"] = _beside(_column(deeper, name), scores[LATE])
        scored.append(FoldScores(key, test, scores))
    return scored


def calibrated_on(validation: Sequence[DataListItem], study: Study, said: Margins) -> Margins:
    """Return logits as a logistic function of them, fitted to decided validation nodules, says them: both boxes."""
    judged = [item for item in validation if item.label is not None]
    labels = np.repeat([int(item.label or 0) for item in judged], 2)
    found = fit_logistic(study.pick(said, judged).ravel(), labels)
    return found.slope * said + found.intercept


def _beside(one: NDArray[np.float64], networks: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([mean_of_logits(one[0], each) for each in networks])


def _column(rows: Sequence[Mapping[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([[float(row[name]) for row in rows]])
