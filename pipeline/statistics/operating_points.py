"""Where to cut a probability of malignancy, and what the cut costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from nodulus.pipeline.records import Record

from .binary_labels import malignant_mask, probability_array
from .bootstrap import estimate, patient_weights
from .estimate import Estimate

PointName = Literal["high_sensitivity", "high_specificity"]
POINT_NAMES: tuple[PointName, PointName] = get_args(PointName)
HIGH_SENSITIVITY, HIGH_SPECIFICITY = POINT_NAMES


class OperatingPoint(Record):
    """A threshold and what it gave on the data that it was chosen on.

    Args:
        name: what it is for.
        threshold: a nodule is called malignant where its probability is at least this.
        sensitivity: share of malignant nodules called malignant.
        specificity: share of benign nodules called benign.
        wanted: the sensitivity or specificity, by the name, that the threshold was to keep.
    """

    name: PointName
    threshold: float = Field(ge=0)
    sensitivity: Estimate
    specificity: Estimate
    wanted: float = Field(ge=0, le=1)


@dataclass(frozen=True)
class Accuracy:
    """What a threshold gives on labelled nodules, with 95 % patient-bootstrap intervals.

    Args:
        sensitivity: share of malignant nodules called malignant.
        specificity: share of benign nodules called benign.
        ppv: share malignant of those called malignant; None where none is called so.
        npv: share benign of those called benign; None where none is called so.
        threshold: the threshold.
    """

    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate | None
    npv: Estimate | None
    threshold: float

    def as_dict(self) -> dict[str, Any]:
        """Return the accuracy as plain JSON types."""
        return asdict(self)


def choose_operating_points(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Sequence[str],
    wanted_sensitivity: float = 0.95,
    wanted_specificity: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[OperatingPoint, OperatingPoint]:
    """Return the high-sensitivity and the high-specificity point of validation data, in this order.

    High sensitivity is the highest threshold that keeps the wanted sensitivity, high specificity the lowest that
    keeps the wanted specificity. Thresholds lie midway between neighbouring probabilities, so that they do not rest
    on one nodule's last digit. The intervals hold the threshold fixed: that it was chosen on these nodules is not in
    them, so ``measure_at`` on other data tells more. A score that can keep both at once gets a high-sensitivity
    threshold above the high-specificity one.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        probabilities: of malignancy, one a nodule.
        patients: the patient of each nodule.
        wanted_sensitivity: at least this share of malignant nodules is called malignant.
        wanted_specificity: at least this share of benign nodules is called benign.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when a class is missing or a number is no probability.
    """
    is_malignant = malignant_mask(labels)
    probability = probability_array(probabilities, len(is_malignant))
    thresholds = _thresholds(probability)
    is_called = probability >= thresholds[:, None]
    sensitivity = is_called[:, is_malignant].mean(axis=1)
    specificity = (~is_called[:, ~is_malignant]).mean(axis=1)
    chosen = {
        HIGH_SENSITIVITY: (thresholds[sensitivity >= wanted_sensitivity].max(), wanted_sensitivity),
        HIGH_SPECIFICITY: (thresholds[specificity >= wanted_specificity].min(), wanted_specificity),
    }
    first, second = (
        _operating_point(name, wanted, measure_at(labels, probability, patients, float(threshold), n_resamples, seed))
        for name, (threshold, wanted) in chosen.items()
    )
    return first, second


def measure_at(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Sequence[str],
    threshold: float,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Accuracy:
    """Return what a threshold gives; a nodule is called malignant where its probability is at least the threshold.

    Args:
        labels: 0 benign, 1 malignant, one a nodule.
        probabilities: of malignancy, one a nodule.
        patients: the patient of each nodule.
        threshold: on the probability.
        n_resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when a class is missing or a number is no probability.
    """
    is_malignant = malignant_mask(labels)
    is_called = probability_array(probabilities, len(is_malignant)) >= threshold
    # The first row is the data as it is.
    weights = np.vstack([np.ones(len(is_called)), patient_weights(patients, n_resamples, seed)])
    return Accuracy(
        sensitivity=_share(is_called, is_malignant, weights),
        specificity=_share(~is_called, ~is_malignant, weights),
        ppv=_share(is_malignant, is_called, weights) if is_called.any() else None,
        npv=_share(~is_malignant, ~is_called, weights) if not is_called.all() else None,
        threshold=threshold,
    )


def _thresholds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rising thresholds that part the nodules in every possible way, all and none called included."""
    values = np.unique(probability)
    low, high = np.concatenate([[0.0], values]), np.concatenate([values, [1.0]])
    middle = (low + high) / 2
    # Neighbours so close that their middle is the lower one are parted by the higher one; 1 itself by the next float.
    middle[1:] = np.where(middle[1:] > values, middle[1:], np.maximum(high[1:], np.nextafter(values, np.inf)))
    return np.asarray(middle)


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_], weights: NDArray[np.float64]) -> Estimate:
    counted, total = weights @ (part & whole), weights @ whole
    shares = np.divide(counted, total, out=np.full(len(weights), np.nan), where=total > 0)
    return estimate(shares[0], shares[1:])


def _operating_point(name: str, wanted: float, accuracy: Accuracy) -> OperatingPoint:
    return OperatingPoint.model_validate(
        {
            "name": name,
            "threshold": accuracy.threshold,
            "sensitivity": accuracy.sensitivity,
            "specificity": accuracy.specificity,
            "wanted": wanted,
        }
    )
