"""Every score of every test nodule, fold by fold: the networks' own, the baselines', the published ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.bundle.folder import CALIBRATION
from nodulus.pipeline.data.data_list import DataList, DataListItem, read_data_list
from nodulus.pipeline.data.lidc import CROPS_MAY_BE, read_crops
from nodulus.pipeline.data.places import nodules_outside
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.transforms.problems import UsageError

from .baselines import BASELINES, baseline_scores
from .fold_run import PREDICTIONS, FoldRun, list_path
from .folds import PUBLISHED, FoldKey, PublishedFolds, write_split
from .hand_features import hand_features
from .prediction_files import load_predictions

NETWORK, ENSEMBLE, BY_DIAMETER = "network", "network_ensemble", "network_diameter_box"
OWN = (NETWORK, ENSEMBLE, BY_DIAMETER)
SCORES: Mapping[str, str] = {
    NETWORK: (
        "this project's network, shown the box around the readers' outlines, calibrated on validation patients; of "
        "several seeds, the mean of their figures"
    ),
    ENSEMBLE: "the mean of the probabilities of the networks of all seeds",
    BY_DIAMETER: "the same networks, told centre and diameter alone, as a user without an outline tells them",
    **BASELINES,
    "densenet121": "published, out of fold",
    "efficientnet_b0": "published, out of fold",
    "vit_small": "published, out of fold",
}
TITLES = {
    "network": "network",
    "network_ensemble": "network, mean of seeds",
    "network_diameter_box": "network, centre and diameter given",
    "diameter": "diameter",
    "mask_volume": "mask volume",
    "gradient_boosting": "gradient boosting",
    "logistic_features": "logistic regression on features and diameter",
    "readers_characteristics": "the same readers' characteristics",
    "densenet121": "DenseNet121",
    "efficientnet_b0": "EfficientNet-B0",
    "vit_small": "ViT-S",
}
FEATURES_FILE = "features.json"

Chooses = Callable[[DataListItem], bool]


@dataclass(frozen=True)
class FoldScores:
    """The test nodules of one fold, and the scores of each.

    Args:
        key: the fold.
        nodules: in the order of its data list, with their published labels.
        scores: by name, (n_networks, n_nodules); one row, but for the networks of several seeds.
        calls: by operating point, (n_networks, n_nodules): whether each network called each nodule malignant, at the
            threshold that was chosen on its own validation patients.
    """

    key: FoldKey
    nodules: tuple[DataListItem, ...]
    scores: Mapping[str, NDArray[np.float64]]
    calls: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def labels(self) -> NDArray[np.int_]:
        """Return 0 benign, 1 malignant, one a nodule."""
        return np.asarray([item.label for item in self.nodules])

    @property
    def patients(self) -> list[str]:
        """Return the patient of each nodule."""
        return [item.patient_id for item in self.nodules]

    def only(self, chooses: Chooses) -> FoldScores:
        """Return the same of some nodules."""
        index = [k for k, item in enumerate(self.nodules) if chooses(item)]
        scores = {name: values[:, index] for name, values in self.scores.items()}
        calls = {name: values[:, index] for name, values in self.calls.items()}
        return FoldScores(self.key, tuple(self.nodules[k] for k in index), scores, calls)


def gather(
    crops: Path, out: Path, published: PublishedFolds, keys: Sequence[FoldKey], runs: Sequence[FoldRun]
) -> list[FoldScores]:
    """Return all scores of some folds; the baselines are fitted here, the networks' predictions are read.

    Args:
        crops: folder of LIDC-IDRI crops, with masks.
        out: output folder of the benchmark; receives the data lists and hand features that it lacks.
        published: the published folds.
        keys: the folds.
        runs: finished runs of these folds; the same seeds in each. Without any, there is no score of a network.

    Raises:
        UsageError: folds have runs of different seeds, or a run did not score all the nodules of its fold.
    """
    items = read_crops(crops, out)
    # Only a fold that was not trained yet needs its list made.
    is_whole = all(list_path(out, key).is_file() for key in keys)
    outside = set() if is_whole else set(nodules_outside(items, out, CROPS_MAY_BE))
    features = hand_features(items, crops, out / FEATURES_FILE)
    seeds = {key: sorted(run.seed for run in runs if run.key == key) for key in keys}
    if len({tuple(found) for found in seeds.values()}) > 1:
        found = ", ".join(f"{key}: {numbers}" for key, numbers in seeds.items())
        raise UsageError(f"Expected networks of the same seeds in all folds to compare, got {found}")
    folds = []
    for key in keys:
        # The list that the networks were trained by, where there is one: the division depends on scikit-learn.
        path = list_path(out, key)
        data = read_data_list(path) if path.is_file() else write_split(items, path, key, published, outside)
        own = {name: scores[None] for name, scores in baseline_scores(data, features).items()}
        runs_of_fold = [FoldRun(key, seed) for seed in seeds[key]]
        networks = _network_scores(data, runs_of_fold, out)
        scores = networks | own | _published_scores(data, key, published)
        folds.append(FoldScores(key, data.test, scores, _calls(networks, runs_of_fold, out)))
    return folds


def _network_scores(data: DataList, runs: Sequence[FoldRun], out: Path) -> dict[str, NDArray[np.float64]]:
    if not runs:
        return {}
    names = [item.nodule_id for item in data.test]
    own_box, diameter_box = [], []
    for run in runs:
        said = {each.nodule_id: each for each in load_predictions(run.folder(out) / PREDICTIONS)}
        if missing := sorted(set(names) - set(said)):
            raise UsageError(f"Expected predictions of all nodules of {run.key} in {run}, got none of {missing[0]}")
        own_box.append([said[name].probability for name in names])
        diameter_box.append([said[name].probability_diameter_box for name in names])
    scores = np.asarray(own_box, dtype=np.float64)
    ensemble = {ENSEMBLE: scores.mean(axis=0, keepdims=True)} if len(runs) > 1 else {}
    return {NETWORK: scores} | ensemble | {BY_DIAMETER: np.asarray(diameter_box, dtype=np.float64)}


def _calls(
    networks: Mapping[str, NDArray[np.float64]], runs: Sequence[FoldRun], out: Path
) -> dict[str, NDArray[np.bool_]]:
    paths = [run.folder(out) / CALIBRATION.name for run in runs]
    if not (paths and all(path.is_file() for path in paths)):
        return {}  # predictions may be kept without the networks that made them
    chosen = [read_calibration(path).operating_points for path in paths]
    thresholds: dict[str, list[float]] = {point.name: [] for point in chosen[0]}
    for points in chosen:
        for point in points:
            thresholds[point.name].append(point.threshold)
    return {name: networks[NETWORK] >= np.asarray(limits)[:, None] for name, limits in thresholds.items()}


def _published_scores(data: DataList, key: FoldKey, published: PublishedFolds) -> dict[str, NDArray[np.float64]]:
    of_nodule = published.folds[key]
    return {name: np.asarray([[of_nodule[item.nodule_id].scores[name] for item in data.test]]) for name in PUBLISHED}
