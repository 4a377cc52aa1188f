"""What simple scores reach in the same folds: diameter, mask volume, two models on six hand features.

And what the readers' ratings of the nodule's characteristics reach against the malignancy that the same readers rated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nodulus.pipeline.data.data_list import DataList, DataListItem
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, mean_fraction

from .folds import median_label
from .hand_features import FEATURES, Features

BASELINES = {
    "diameter": "logistic regression on the logarithm of the diameter",
    "mask_volume": "logistic regression on the logarithm of the mask's volume",
    "gradient_boosting": (
        "scikit-learn's GradientBoostingClassifier with its default settings and random_state 0, on six features: "
        + ", ".join(FEATURES)
    ),
    "logistic_features": (
        "the baseline to beat: logistic regression, standardised, with scikit-learn's default penalty, on the same six "
        "features and the logarithm of the diameter"
    ),
    "readers_characteristics": (
        "no rival: the same readers rated twice. Logistic regression on the eight characteristics as rated by those "
        "who made the label (their means), and on the logarithm of the diameter: how far readers agree with "
        "themselves, not how far others' characteristics would tell"
    ),
}
# What a score has to be above: nothing simpler does better.
LOGISTIC = "logistic_features"
# Made from the readers' word, so that the network is not asked to be above it.
READERS = "readers_characteristics"

Columns = Callable[[DataListItem], list[float]]


def baseline_scores(data: DataList, features: Features) -> dict[str, NDArray[np.float64]]:
    """Return each baseline's probability of malignancy of the test nodules of a fold, in their order, by name.

    Each is fitted on all the fold's training and validation nodules, by the published label rule (median rating, 3 left
    out): there is nothing to stop early or to choose on the validation part.

    Args:
        data: the fold.
        features: the hand features of all its nodules.
    """
    rest = [(item, median_label(item.ratings or (3,))) for item in (*data.training, *data.validation)]
    trains = [(item, label) for item, label in rest if label is not None]
    return {name: _fit_and_score(model, columns, trains, data.test) for name, model, columns in _models(features)}


def _models(features: Features) -> list[tuple[str, Any, Columns]]:
    """Return each baseline's name, unfitted model, and the numbers it sees of a nodule."""
    return [
        ("diameter", _logistic(), lambda item: [float(np.log(item.diameter_mm))]),
        ("mask_volume", _logistic(), lambda item: [features[item.nodule_id]["log_volume_mm3"]]),
        (
            "gradient_boosting",
            GradientBoostingClassifier(random_state=0),
            lambda item: [features[item.nodule_id][name] for name in FEATURES],
        ),
        (
            LOGISTIC,
            _logistic(),
            lambda item: [*(features[item.nodule_id][name] for name in FEATURES), float(np.log(item.diameter_mm))],
        ),
        (READERS, _logistic(), _as_readers_see),
    ]


def _as_readers_see(item: DataListItem) -> list[float]:
    rated = item.characteristics or {}
    return [*(mean_fraction(name, rated[name]) for name in CHARACTERISTICS), float(np.log(item.diameter_mm))]


def _logistic() -> Any:  # noqa: ANN401 - scikit-learn comes untyped
    return make_pipeline(StandardScaler(), LogisticRegression())


def _fit_and_score(
    model: Any,  # noqa: ANN401 - as above
    columns: Columns,
    trains: Sequence[tuple[DataListItem, int]],
    tests: Sequence[DataListItem],
) -> NDArray[np.float64]:
    model.fit(np.asarray([columns(item) for item, _ in trains]), np.asarray([label for _, label in trains]))
    scores = model.predict_proba(np.asarray([columns(item) for item in tests]))[:, 1]
    return np.asarray(scores, dtype=np.float64)
