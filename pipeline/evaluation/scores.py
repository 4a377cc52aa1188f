"""Which scores a list of predictions holds, and how each compares with the network and the diameter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nodulus.pipeline.statistics.binary_labels import class_counts, malignant_mask
from nodulus.pipeline.statistics.curves import precision_recall_band
from nodulus.pipeline.statistics.delong import delong_test
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import compare_scores

from .predictions import Prediction
from .record import DIAMETER, DIAMETER_BOX, NETWORK, SIZE_ONLY, Context, Counts, ScoreRecord

OURS = (NETWORK, DIAMETER_BOX, SIZE_ONLY, DIAMETER)


def score_of(prediction: Prediction, name: str) -> float | None:
    """Return a score of a nodule by name, None where it has none; larger is more suspicious."""
    ours = {
        NETWORK: prediction.probability,
        DIAMETER_BOX: prediction.probability_diameter_box,
        SIZE_ONLY: prediction.size_only,
        DIAMETER: prediction.diameter_mm,
    }
    value = ours[name] if name in ours else prediction.baselines.get(name)
    return None if value is None or math.isnan(value) else float(value)


def score_names(predictions: Sequence[Prediction]) -> list[str]:
    """Return the names of all scores: ours, then the baselines in the order of their first appearance."""
    baselines = dict.fromkeys(name for prediction in predictions for name in prediction.baselines)
    return [*OURS, *(name for name in baselines if name not in OURS)]


def complete_scores(predictions: Sequence[Prediction]) -> dict[str, list[float]]:
    """Return by name the scores that every nodule has."""
    found = {name: [score_of(prediction, name) for prediction in predictions] for name in score_names(predictions)}
    return {
        name: [value for value in values if value is not None] for name, values in found.items() if None not in values
    }


def labels_of(predictions: Sequence[Prediction]) -> list[int]:
    """Return the labels of labelled nodules."""
    return [int(prediction.label or 0) for prediction in predictions]


def patients_of(predictions: Sequence[Prediction]) -> list[str]:
    """Return the patient of each nodule."""
    return [prediction.patient_id for prediction in predictions]


def counts_of(predictions: Sequence[Prediction]) -> Counts:
    """Return the counts of labelled nodules."""
    return Counts.model_validate(class_counts(malignant_mask(labels_of(predictions)), patients_of(predictions)))


def has_both_classes(predictions: Sequence[Prediction]) -> bool:
    """Return whether an AUC and DeLong's test are defined: two labelled nodules of each class."""
    labels = [prediction.label for prediction in predictions]
    return min(labels.count(0), labels.count(1)) >= 2


def score_records(predictions: Sequence[Prediction], context: Context) -> dict[str, ScoreRecord]:
    """Return how each score does on the labelled nodules that have it, beside the network and the diameter there.

    A score that too few nodules have is left out.
    """
    records = {}
    for name in score_names(predictions):
        having = [
            prediction
            for prediction in predictions
            if prediction.label is not None and score_of(prediction, name) is not None
        ]
        if has_both_classes(having):
            records[name] = _score_record(having, name, context)
    return records


def _score_record(having: Sequence[Prediction], name: str, context: Context) -> ScoreRecord:
    labels, patients = labels_of(having), patients_of(having)
    complete = complete_scores(having)
    # The network, where it is compared with itself or the diameter, needs no second entry.
    scores = {key: complete[key] for key in dict.fromkeys((NETWORK, DIAMETER, name))}
    sampling = {"n_resamples": context.n_resamples, "seed": context.seed}
    to_diameter = compare_scores(labels, scores, patients, DIAMETER, **sampling)
    to_network = compare_scores(labels, scores, patients, NETWORK, **sampling)
    precision_recall = precision_recall_band(labels, scores[name], patients, **sampling)
    return ScoreRecord(
        counts=Counts.model_validate(to_diameter.counts),
        auc=to_diameter.auc[name],
        average_precision=precision_recall.average_precision,
        network_auc=to_diameter.auc[NETWORK],
        minus_diameter=to_diameter.difference.get(name),
        minus_diameter_p=_p_value(labels, scores, name, DIAMETER),
        network_minus=negated(to_network.difference.get(name)),
        network_minus_p=_p_value(labels, scores, NETWORK, name),
    )


def negated(estimate: Estimate | None) -> Estimate | None:
    """Return a difference the other way round."""
    return None if estimate is None else Estimate(-estimate.value, -estimate.high, -estimate.low)


def _p_value(labels: Sequence[int], scores: dict[str, list[float]], first: str, second: str) -> float | None:
    return None if first == second else delong_test(labels, scores[first], scores[second]).p_value
