"""Malignancy told from characteristics as two readers rate them, out of fold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, mean_fraction

from .nodules import Scored
from .panels import Readings, Way


def characteristics_scores(scored: Scored, readings: Readings) -> NDArray[np.float64]:
    """Return the logit of malignant of each row, (n_repeats, n_rows).

    In each fold a logistic regression on the judges' mean of each characteristic and the logarithm of the diameter is
    fitted to the rows of all patients outside of it.
    """
    items = scored.items
    seen = np.asarray([_seen(items[nodule], way) for nodule, way in zip(readings.nodules, readings.ways, strict=True)])
    folds = [_fold_of_patients(scored, repeat) for repeat in scored.folds]
    scores = np.full((len(folds), len(seen)), np.nan)
    for number, of_patient in enumerate(folds):
        fold_of = np.asarray([of_patient[items[nodule].patient_id] for nodule in readings.nodules])
        for fold in set(of_patient.values()):
            tests, fits = fold_of == fold, fold_of != fold
            model = make_pipeline(StandardScaler(), LogisticRegression())
            weights = readings.weights[fits]
            model.fit(seen[fits], readings.labels[fits], logisticregression__sample_weight=weights)
            scores[number, tests] = model.decision_function(seen[tests])
    return scores


def _fold_of_patients(scored: Scored, repeat: int) -> dict[str, int]:
    """Return the published fold of each patient in a repeat; those who stand in none are dealt out in their order."""
    published = scored.folds[repeat]
    known = {item.patient_id: published[item.nodule_id].fold for item in scored.items if item.nodule_id in published}
    folds = sorted(set(known.values()))
    others = sorted(set(scored.patients) - set(known))
    return known | {patient: folds[place % len(folds)] for place, patient in enumerate(others)}


def _seen(item: DataListItem, way: Way) -> list[float]:
    rated = item.characteristics or {}
    means = [mean_fraction(name, [rated[name][judge] for judge in way.judges]) for name in CHARACTERISTICS]
    return [*means, float(np.log(item.diameter_mm))]
