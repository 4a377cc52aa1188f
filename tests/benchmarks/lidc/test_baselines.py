"""Tests of the baselines that are trained in the same folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.lidc.baselines import BASELINES, baseline_scores
from benchmarks.lidc.folds import FoldKey, read_published, write_fold
from benchmarks.lidc.hand_features import FEATURES, hand_features
from nodulus.pipeline.data.data_list import DataList
from nodulus.pipeline.statistics.metrics import roc_auc


@pytest.fixture(scope="module")
def real_fold(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> DataList:
    """Return every fourth nodule of a real fold, so that its features are computed in a second."""
    crops = data_dir / "lidc_nodules"
    path = tmp_path_factory.mktemp("fold") / "list.json"
    data = write_fold(crops, path, FoldKey(1, 3), read_published(crops))
    return DataList(training=data.training[::4], test=data.test[::2])


def test_baselines_rank_real_nodules_well_and_the_diameter_as_it_is(
    real_fold: DataList, data_dir: Path, tmp_path: Path
) -> None:
    items = [item for _, item in real_fold.items()]
    features = hand_features(items, data_dir / "lidc_nodules", tmp_path / "features.json")
    scores = baseline_scores(real_fold, features)
    assert list(scores) == list(BASELINES)
    labels = np.asarray([item.label for item in real_fold.test])
    by_diameter = roc_auc(labels, [item.diameter_mm for item in real_fold.test])
    assert roc_auc(labels, scores["diameter"]) == pytest.approx(by_diameter)
    assert all(roc_auc(labels, score) > 0.85 for score in scores.values())


def test_undecided_nodules_train_no_baseline(ball_benchmark: Path, tmp_path: Path) -> None:
    data = write_fold(ball_benchmark, tmp_path / "list.json", FoldKey(1, 0), read_published(ball_benchmark))
    features = hand_features([item for _, item in data.items()], ball_benchmark, tmp_path / "features.json")
    # By the mean of these ratings the large ball were benign; by their median it is undecided.
    undecided = data.training[1].model_copy(update={"ratings": (1, 3, 3), "nodule_id": "ball_undecided"})
    with_undecided = data.model_copy(update={"training": (*data.training, undecided)})
    for name, scores in baseline_scores(with_undecided, features).items():
        np.testing.assert_array_equal(scores, baseline_scores(data, features)[name])


def test_logistic_regression_sees_the_six_features_and_the_diameter(ball_benchmark: Path, tmp_path: Path) -> None:
    data = write_fold(ball_benchmark, tmp_path / "list.json", FoldKey(1, 0), read_published(ball_benchmark))
    features = hand_features([item for _, item in data.items()], ball_benchmark, tmp_path / "features.json")
    plain = baseline_scores(data, features)["logistic_features"]
    for name in FEATURES:
        changed = {nodule: {**of_nodule, name: of_nodule[name] + 3.0} for nodule, of_nodule in features.items()}
        tested = {item.nodule_id for item in data.test}
        only_tested = {nodule: changed[nodule] if nodule in tested else features[nodule] for nodule in features}
        assert (baseline_scores(data, only_tested)["logistic_features"] != plain).any(), name
    larger = tuple(item.model_copy(update={"diameter_mm": 2 * item.diameter_mm}) for item in data.test)
    assert (baseline_scores(data.model_copy(update={"test": larger}), features)["logistic_features"] != plain).all()
