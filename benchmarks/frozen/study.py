"""Regressions on the features, judged on validation patients, then out of fold beside the network and the baselines."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from benchmarks.federated.arms import rating_chances
from benchmarks.lidc.fold_auc import PatientBootstrap, Sampled, auc_of_fold, fold_mean_auc, pooled_auc
from benchmarks.lidc.folds import FoldKey, PublishedFolds, write_split
from benchmarks.lidc.groups import count
from benchmarks.lidc.scores import NETWORK, FoldScores
from benchmarks.pretrained.pack import FOLDS
from nodulus.pipeline.data.data_list import DataList, DataListFile, DataListItem
from nodulus.pipeline.data.lidc import CROPS_MAY_BE, prepare_lidc, read_crops
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.data.places import nodules_outside
from nodulus.pipeline.statistics.calibration_metrics import CLIP, calibration_report
from nodulus.pipeline.statistics.metrics import roc_auc
from nodulus.pipeline.statistics.strata import size_stratum

from .describe import VIEWS, Said
from .ridge import Fitted, fit, kernel

ALL = "five views"
MODELS: Mapping[str, tuple[str, ...]] = {**{view: (view,) for view in VIEWS}, ALL: tuple(VIEWS)}
OWN_BOX, DIAMETER_BOX = 0, 1
BASELINES = ("logistic_features", "gradient_boosting", "densenet121", "diameter")
_N_FOLDS = 5


class Study:
    """What is known of all nodules.

    Args:
        said: of each view, the same nodules in one order.
        data_list: of these nodules.
        bundle: whose ``train.json`` says what a rating stands for.
    """

    def __init__(self, said: Mapping[str, Said], data_list: DataListFile, bundle: Path) -> None:
        self.said = said
        first = next(iter(said.values()))
        if any(each.names != first.names for each in said.values()):
            msg = "Expected the same nodules in all views, got others in one"
            raise ValueError(msg)
        self.place = {name: place for place, name in enumerate(first.names)}
        listed = load_data_list(data_list, "training", rating_chances=rating_chances(bundle))
        self.chance = {item["nodule_id"]: float(item["label"][1]) for item in listed}

    def regressions(self, training: Sequence[DataListItem], models: Mapping[str, tuple[str, ...]]) -> dict[str, Fitted]:
        """Return each model fitted to training nodules."""
        known = np.array([self.place[item.nodule_id] for item in training])
        chances = np.array([self.chance[item.nodule_id] for item in training])
        patients = [item.patient_id for item in training]
        wanted = {view for views in models.values() for view in views}
        of_view = {view: kernel(self.said[view].blocks(), known) for view in wanted}
        return {
            name: fit(np.mean([of_view[view] for view in views], axis=0), chances, known, patients)
            for name, views in models.items()
        }

    def pick(self, values: NDArray[np.float64], items: Sequence[DataListItem]) -> NDArray[np.float64]:
        """Return the values (n, boxes) of some nodules."""
        return values[[self.place[item.nodule_id] for item in items]]


def validation_lists(crops: Path) -> list[DataList]:
    """Return the lists of ``nodulus prepare lidc`` that settings are judged on."""
    with tempfile.TemporaryDirectory() as folder:
        return [prepare_lidc(crops, Path(folder) / "list.json", fold=number) for number in FOLDS]


def validation_auc(study: Study, validation: Sequence[DataListItem], scores: NDArray[np.float64]) -> float:
    """Return the AUC of scores (n, boxes) over both boxes of the decided ones of some nodules."""
    judged = [item for item in validation if item.label is not None]
    return roc_auc(np.repeat([int(item.label or 0) for item in judged], 2), study.pick(scores, judged).ravel())


def validation_aucs(study: Study, crops: Path) -> dict[str, list[float]]:
    """Return each model's AUC over both boxes in the folds that settings are judged on."""
    found: dict[str, list[float]] = {name: [] for name in MODELS}
    for data in validation_lists(crops):
        for name, fitted in study.regressions(data.training, MODELS).items():
            found[name].append(validation_auc(study, data.validation, fitted.scores))
    return found


def out_of_fold(
    study: Study, crops: Path, published: PublishedFolds, kept: Mapping[tuple[FoldKey, str], Mapping[str, str]]
) -> list[FoldScores]:
    """Return the scores of every test nodule of the published folds.

    Args:
        study: the nodules.
        crops: folder of LIDC-IDRI crops.
        published: the folds.
        kept: the network's and the baselines' scores (``read_kept``).
    """
    folds = []
    for key, data in published_lists(crops, published).items():
        scores = kept_scores(kept, key, data.test, (NETWORK, *BASELINES))
        training = (*data.training, *data.validation)
        for name, fitted in study.regressions(training, MODELS).items():
            found = study.pick(fitted.probabilities([item.label for item in training]), data.test)
            scores[name] = found[None, :, OWN_BOX]
            scores[f"{name}, by diameter"] = found[None, :, DIAMETER_BOX]
            scores[f"{name} and network"] = mean_of_logits(found[None, :, OWN_BOX], scores[NETWORK])
        folds.append(FoldScores(key, data.test, scores))
    return folds


def published_lists(crops: Path, published: PublishedFolds) -> dict[FoldKey, DataList]:
    """Return the list of each published fold, divided as the benchmark of the network divides it."""
    with tempfile.TemporaryDirectory() as folder:
        items = read_crops(crops, Path(folder))
        outside = nodules_outside(items, Path(folder), CROPS_MAY_BE)
        path = Path(folder) / "list.json"
        return {key: write_split(items, path, key, published, outside) for key in published.select()}


def kept_scores(
    kept: Mapping[tuple[FoldKey, str], Mapping[str, str]],
    key: FoldKey,
    nodules: Sequence[DataListItem],
    names: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Return the scores (1, n) that a table (``read_kept``) holds of a fold's nodules, by name."""
    rows = [kept[key, item.nodule_id] for item in nodules]
    return {name: np.array([[float(row[name]) for row in rows]]) for name in names}


def read_kept(path: Path) -> dict[tuple[FoldKey, str], dict[str, str]]:
    """Return the rows of ``out_of_fold_scores.csv`` by fold and nodule."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {(FoldKey(int(row["rep"]), int(row["fold"])), row["nodule_id"]): row for row in rows}


def compared(folds: Sequence[FoldScores], n_resamples: int = 2000) -> dict[str, Any]:
    """Return what each score reaches, by how much it is above the network and a baseline, and how it is calibrated."""
    bootstrap = PatientBootstrap([patient for fold in folds for patient in fold.patients], n_resamples)
    everywhere = fold_mean_auc(folds, bootstrap)
    like = pooled_auc([fold.only(lambda item: size_stratum(item.diameter_mm) == "8-15") for fold in folds], bootstrap)
    n_folds = Counter(fold.key.rep for fold in folds)
    full = sorted(rep for rep, n in n_folds.items() if n == _N_FOLDS)
    in_full = [auc_of_fold(fold) for fold in folds if fold.key.rep in full]
    rows = {}
    for name, sampled in everywhere.items():
        rows[name] = {
            "auc": _numbers(sampled),
            "auc_full_repeats": float(np.mean([aucs[name] for aucs in in_full])),
            "less_network": _numbers(sampled - everywhere[NETWORK]),
            "less_logistic_features": _numbers(sampled - everywhere["logistic_features"]),
            "auc_8_15_mm": _numbers(like[name]),
            "calibration": [_calibration(folds, name, rep, n_resamples) for rep in full],
        }
    return {"counts": count(folds).model_dump(), "full_repeats": full, "scores": rows}


def mean_of_logits(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities whose logits are the mean of two probabilities' logits; the shapes are broadcast."""
    first, second = (logit(np.clip(each, CLIP, 1 - CLIP)) for each in (one, other))
    return np.asarray(expit((first + second) / 2))


def _numbers(sampled: Sampled) -> list[float]:
    found = sampled.estimate()
    return [found.value, found.low, found.high]


def _calibration(folds: Sequence[FoldScores], name: str, rep: int, n_resamples: int) -> dict[str, float | None]:
    """Return the error and the slope in a repeat: of several networks, the means of theirs."""
    of_rep = [fold for fold in folds if fold.key.rep == rep]
    labels = np.concatenate([fold.labels for fold in of_rep])
    patients = [patient for fold in of_rep for patient in fold.patients]
    networks = np.concatenate([fold.scores[name] for fold in of_rep], axis=1)
    reports = [calibration_report(labels, each, patients, n_resamples=n_resamples) for each in networks]
    slopes = [report.slope.value for report in reports if report.slope]
    return {
        "rep": rep,
        "ece": float(np.mean([report.ece.value for report in reports])),
        "expected_ece": float(np.mean([report.expected_ece for report in reports])),
        "slope": float(np.mean(slopes)) if slopes else None,
    }
