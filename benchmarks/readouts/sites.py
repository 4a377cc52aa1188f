"""What the mean of several hospitals' readouts of the middle is worth, beside the one of all their nodules together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.federated.makers import TEST_FOLDS, hospitals, pooled
from benchmarks.frozen.describe import Said
from benchmarks.frozen.study import OWN_BOX, Study
from benchmarks.lidc.fold_auc import PatientBootstrap, fold_mean_auc
from benchmarks.lidc.folds import FoldKey
from benchmarks.lidc.scores import FoldScores
from nodulus.pipeline.data.data_list import DataList

from .solved import Informed, solved

MEAN, POOLED = "mean of the hospitals' own", "solved on all together"


def sites(study: Study, crops: Path, out: Path, n_resamples: int = 2000) -> dict[str, Any]:
    """Return the AUC of readouts of the middle, and of each less that of all nodules together, over test patients.

    The scanner's maker is the hospital; each third of the patients tests once, and what trains is as in the study of
    sites that train together.

    Args:
        study: all nodules, of one view.
        crops: folder of LIDC-IDRI crops.
        out: any folder; nothing is written.
        n_resamples: bootstrap samples of patients.
    """
    (said,) = study.said.values()
    read = said.values.reshape(len(said.names), said.values.shape[1], -1)
    folds = []
    for third in range(TEST_FOLDS):
        lists = hospitals(crops, out, third)
        training = {name: _informed(study, data) for name, data in lists.items()}
        own = {name: _layer(said, nodules) for name, nodules in training.items()}
        layers = {
            MEAN: np.average(list(own.values()), axis=0, weights=[len(nodules) for nodules in training.values()]),
            POOLED: _layer(said, _informed(study, pooled(list(lists.values())))),
            **{f"{name} alone": layer for name, layer in own.items()},
        }
        tested = tuple(item for data in lists.values() for item in data.test if item.label is not None)
        rows = read[[study.place[item.nodule_id] for item in tested], OWN_BOX].astype(np.float64)
        scores = {name: (rows @ layer[:-1] + layer[-1])[None] for name, layer in layers.items()}
        folds.append(FoldScores(FoldKey(0, third), tested, scores))
    found = fold_mean_auc(folds, PatientBootstrap([name for fold in folds for name in fold.patients], n_resamples))
    aucs = {name: sampled.estimate() for name, sampled in found.items()}
    less = {name: (sampled - found[POOLED]).estimate() for name, sampled in found.items()}
    return {
        "nodules": sum(len(fold.nodules) for fold in folds),
        "scores": {
            name: {
                "auc": [auc.value, auc.low, auc.high],
                "less_pooled": [less[name].value, less[name].low, less[name].high],
            }
            for name, auc in aucs.items()
        },
    }


def _layer(said: Said, nodules: Sequence[Informed]) -> NDArray[np.float64]:
    """Return a layer's weights and, last, its intercept."""
    return np.append(*solved(said, nodules))


def _informed(study: Study, data: DataList) -> list[Informed]:
    return [
        Informed(item.nodule_id, item.patient_id, study.chance[item.nodule_id])
        for item in data.training
        if item.nodule_id in study.chance
    ]
