"""What scores would be worth where another share of the nodules is malignant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.curves import decision_curve
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.operating_points import OperatingPoint

from .predictions import Prediction
from .record import AtPrevalence, Context, PointAtPrevalence
from .scores import labels_of, patients_of


def at_prevalence(
    nodules: Sequence[Prediction], probabilities: Mapping[str, Sequence[float]], context: Context
) -> AtPrevalence | None:
    """Return the decision curve and the thresholds at the prevalence that was asked for; None where none was.

    Args:
        nodules: labelled.
        probabilities: of malignancy as calibrated, by name, one a nodule.
        context: which prevalence, and how to resample.
    """
    shift = context.prevalence
    if shift is None:
        return None
    moved = {name: [shift.probability(value) for value in values] for name, values in probabilities.items()}
    labels, patients, sampling = labels_of(nodules), patients_of(nodules), (context.n_resamples, context.seed)
    curve = decision_curve(labels, moved, patients, n_resamples=sampling[0], seed=sampling[1], prevalence=shift.asked)
    weights = np.vstack([np.ones(len(labels)), patient_weights(patients, *sampling)])
    is_malignant = np.asarray(labels) == 1
    network = np.asarray([nodule.probability for nodule in nodules])
    points = (_point(each, shift, network, is_malignant, weights) for each in context.operating_points)
    return AtPrevalence(shift=shift, decision_curve=curve, operating_points=tuple(points))


def _point(
    point: OperatingPoint,
    shift: PrevalenceShift,
    probabilities: NDArray[np.float64],
    is_malignant: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> PointAtPrevalence:
    # Which nodules reach the threshold does not depend on the prevalence: both move alike.
    is_called = probabilities >= point.threshold
    sensitivity = _share(is_called, is_malignant, weights)
    false_positives = _share(is_called, ~is_malignant, weights)
    called_malignant, called_benign = shift.asked * sensitivity, (1 - shift.asked) * false_positives
    missed, cleared = shift.asked * (1 - sensitivity), (1 - shift.asked) * (1 - false_positives)
    return PointAtPrevalence(
        name=point.name,
        threshold=shift.probability(point.threshold),
        ppv=_ratio(called_malignant, called_malignant + called_benign),
        npv=_ratio(cleared, cleared + missed),
    )


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    counted, total = weights @ (part & whole), weights @ whole
    return np.asarray(np.divide(counted, total, out=np.full(len(weights), np.nan), where=total > 0))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Estimate | None:
    values = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return None if np.isnan(values[0]) else estimate(float(values[0]), values[1:])
