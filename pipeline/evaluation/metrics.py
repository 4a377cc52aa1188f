"""What scores are worth on labelled nodules: every figure of metrics.json, from the predictions alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.statistics.calibration_metrics import calibration_report
from nodulus.pipeline.statistics.curves import decision_curve, precision_recall_band, roc_curve_band
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import compare_scores
from nodulus.pipeline.statistics.operating_points import measure_at
from nodulus.transforms.problems import UsageError

from .at_prevalence import at_prevalence
from .groups import SIZE_MATCHED_MM, by_label_rule, by_size, ratings_of, size_matched, subgroups
from .predictions import Prediction, labelled
from .rating_agreement import mean_absolute_error, spearman
from .record import (
    NETWORK,
    SIZE_ONLY,
    CharacteristicRecord,
    Context,
    Evaluation,
    FlagRecord,
    HardCase,
    Histogram,
    OperatingPointRecord,
    PathologyRecord,
)
from .scores import complete_scores, counts_of, has_both_classes, labels_of, patients_of, score_records

N_HARDEST = 8
HISTOGRAM_BINS = 20
# Fewer pairs of prediction and ratings say nothing of a correlation.
MIN_RATED = 10


def evaluate_predictions(
    predictions: Sequence[Prediction], context: Context, pathology: PathologyRecord | None = None
) -> Evaluation:
    """Return everything that the predictions tell; only nodules with a label count, save where it says otherwise.

    Args:
        predictions: one a nodule, undecided ones included.
        context: of what the predictions are, and how to resample.
        pathology: what ``pathology_check.check_pathology`` found, to be kept beside.

    Raises:
        UsageError: there are fewer than two labelled nodules of a class, or two patients, or a nodule stands in the
            list twice.
    """
    _check(predictions)
    nodules = labelled(predictions)
    labels, patients = labels_of(nodules), patients_of(nodules)
    complete = complete_scores(nodules)
    probabilities = {name: complete[name] for name in (NETWORK, SIZE_ONLY)}
    n_resamples, seed = context.n_resamples, context.seed
    undecided = len(predictions) - len(nodules)
    return Evaluation(
        context=context,
        counts=counts_of(nodules).model_copy(update={"undecided": undecided}),
        scores=score_records(nodules, context),
        curves_roc={
            name: roc_curve_band(labels, values, patients, n_resamples=n_resamples, seed=seed)
            for name, values in complete.items()
        },
        curves_precision_recall={
            name: precision_recall_band(labels, values, patients, n_resamples=n_resamples, seed=seed)
            for name, values in complete.items()
        },
        calibration={
            name: calibration_report(labels, values, patients, n_resamples=n_resamples, seed=seed)
            for name, values in probabilities.items()
        },
        operating_points=_operating_points(nodules, context),
        decision_curve=decision_curve(labels, probabilities, patients, n_resamples=n_resamples, seed=seed),
        at_prevalence=at_prevalence(nodules, probabilities, context),
        histogram=_histogram(nodules),
        sizes=by_size(nodules, context),
        size_matched_mm=SIZE_MATCHED_MM,
        size_matched=size_matched(nodules, context),
        subgroups=subgroups(nodules, context),
        label_rules=by_label_rule(predictions, context),
        flags=_flags(predictions, context),
        characteristics=_characteristics(predictions, context),
        hardest=_hardest(nodules),
        pathology=pathology,
    )


def hardest(predictions: Sequence[Prediction], n_cases: int = N_HARDEST) -> list[Prediction]:
    """Return the labelled nodules on which the network's probability is farthest from the label, worst first."""
    return sorted(
        labelled(predictions),
        key=lambda prediction: (-abs(prediction.probability - (prediction.label or 0)), prediction.nodule_id),
    )[:n_cases]


def _check(predictions: Sequence[Prediction]) -> None:
    if not has_both_classes(predictions):
        counts = Counter(prediction.label for prediction in predictions)
        raise UsageError(
            f"Expected at least two labelled nodules of each class to evaluate, got {counts[1]} malignant and"
            f" {counts[0]} benign"
        )
    if len({prediction.patient_id for prediction in labelled(predictions)}) < 2:
        raise UsageError("Expected labelled nodules of at least two patients to evaluate, got those of one")
    repeated = [
        name
        for name, n in Counter((prediction.patient_id, prediction.nodule_id) for prediction in predictions).items()
        if n > 1
    ]
    if repeated:
        raise UsageError(f"Expected each nodule once, got {repeated[0][1]} of patient {repeated[0][0]} several times")


def _operating_points(nodules: Sequence[Prediction], context: Context) -> tuple[OperatingPointRecord, ...]:
    labels, patients = labels_of(nodules), patients_of(nodules)
    probabilities = [prediction.probability for prediction in nodules]
    return tuple(
        OperatingPointRecord(
            chosen=point,
            network=measure_at(labels, probabilities, patients, point.threshold, context.n_resamples, context.seed),
            called_malignant=sum(value >= point.threshold for value in probabilities),
        )
        for point in context.operating_points
    )


def _histogram(nodules: Sequence[Prediction]) -> Histogram:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    counts = {
        label: np.histogram(
            [prediction.probability for prediction in nodules if prediction.label == label], bins=edges
        )[0].tolist()
        for label in (0, 1)
    }
    return Histogram(edges=tuple(edges.tolist()), benign=tuple(counts[0]), malignant=tuple(counts[1]))


def _flags(predictions: Sequence[Prediction], context: Context) -> FlagRecord:
    reasons = Counter(_kind(reason) for prediction in predictions for reason in prediction.outside_training_range)
    nodules = labelled(predictions)
    unflagged = [prediction for prediction in nodules if not prediction.outside_training_range]
    return FlagRecord(
        flagged=sum(bool(prediction.outside_training_range) for prediction in predictions),
        nodules=len(predictions),
        reasons=dict(reasons.most_common()),
        auc_all=_network_auc(nodules, context),
        auc_unflagged=_network_auc(unflagged, context) if has_both_classes(unflagged) else None,
    )


def _kind(reason: str) -> str:
    """Return a reason without the numbers of its nodule, so that like reasons count as one."""
    return re.sub(r"-?\d+(?:\.\d+)?", "…", reason)


def _network_auc(nodules: Sequence[Prediction], context: Context) -> Estimate:
    scores = {NETWORK: [prediction.probability for prediction in nodules]}
    compared = compare_scores(
        labels_of(nodules), scores, patients_of(nodules), NETWORK, context.n_resamples, context.seed
    )
    return compared.auc[NETWORK]


def _characteristics(predictions: Sequence[Prediction], context: Context) -> tuple[CharacteristicRecord, ...]:
    records = []
    for name, scale in CHARACTERISTICS.items():
        pairs = [
            (prediction.characteristics[name], float(np.mean(ratings)), prediction.patient_id)
            for prediction in predictions
            if name in prediction.characteristics and (ratings := _readers(prediction, name))
        ]
        if len(pairs) < MIN_RATED:
            continue
        predicted, rated, patients = zip(*pairs, strict=True)
        error = mean_absolute_error(predicted, rated, patients, context.n_resamples, context.seed)
        records.append(
            CharacteristicRecord(
                name=name,
                scale=(scale.low, scale.high),
                nodules=len(pairs),
                patients=len(set(patients)),
                spearman=spearman(predicted, rated, patients, context.n_resamples, context.seed),
                mean_absolute_error=error,
                error_of_the_mean=float(np.abs(np.asarray(rated) - np.mean(rated)).mean()),
            )
        )
    return tuple(records)


def _readers(prediction: Prediction, name: str) -> list[int]:
    """Return each reader's rating of a characteristic; empty where the data list has none."""
    ratings = prediction.attributes.get("characteristics")
    return list(ratings.get(name) or ()) if isinstance(ratings, Mapping) else []


def _hardest(nodules: Sequence[Prediction]) -> tuple[HardCase, ...]:
    return tuple(
        HardCase(
            nodule_id=prediction.nodule_id,
            label=prediction.label or 0,
            probability=prediction.probability,
            size_only=prediction.size_only,
            diameter_mm=prediction.diameter_mm,
            ratings=ratings_of(prediction) or None,
            outside_training_range=prediction.outside_training_range,
        )
        for prediction in hardest(nodules)
    )
