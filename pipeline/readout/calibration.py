"""What a bundle's scores are worth: from raw outputs to calibrated probabilities, and where they stop to hold.

Plain JSON beside the weights (``models/calibration.json``); it names the weights that it was fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.operating_points import POINT_NAMES, OperatingPoint
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError

from .additive import AdditiveModel
from .characteristics import OUTPUTS
from .patient_model import PatientModel
from .training_range import TrainingRange


def logistic(logit: float) -> float:
    """Return the probability of a logit."""
    # The two forms are equal; each overflows on one side.
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


class Logistic(Record):
    """Probability of malignancy as a logistic function of one number: ``1 / (1 + exp(-(slope * x + intercept)))``."""

    slope: float
    intercept: float

    def logit(self, x: float) -> float:
        """Return the logit of the probability at a value."""
        return self.slope * x + self.intercept

    def probability(self, x: float) -> float:
        """Return the probability at a value."""
        return logistic(self.logit(x))


class FittedOn(Record):
    """The nodules that a calibration was fitted to; none of them trained the network."""

    data_hash: str
    split: str
    nodules: int
    patients: int
    malignant: int
    benign: int

    @property
    def prevalence(self) -> float:
        """The share of malignant nodules among them: what the probabilities take for granted."""
        return self.malignant / (self.malignant + self.benign)


class LocalUpdate(Record):
    """How a shipped calibration was changed at another place: ``intercept + slope * logit``.

    Args:
        kind: whether the intercept alone was fitted, or the slope, too.
        intercept: added to the logit of the shipped calibration.
        slope: that it is multiplied with; 1 where it was not fitted.
        log_loss_gain: log loss as shipped less that of the update, out of fold; above 0 it helps.
    """

    kind: Literal["in the large", "intercept and slope"]
    intercept: float
    slope: float
    log_loss_gain: Estimate


class Calibration(Record):
    """How a bundle's raw outputs are read.

    Args:
        weights_sha256: of the weights that it belongs to.
        fitted_on: which labelled nodules.
        label: what "malignant" means in them.
        network: of the margin, the malignant logit less the benign one (Platt 1999; his label smoothing only where the
            margin parts the classes without a fault, as no finite slope exists then).
        size_only: of the natural logarithm of the diameter in mm: what size alone would say, by the same protocol.
        operating_points: two thresholds on the calibrated probability, with what they give on ``fitted_on``.
        training_range: what the nodules that trained the network were like.
        additive: what the predicted characteristics and the size add to the calibrated logit; None in a calibration
            of before there was one, and where the scores do not differ.
        local: how the calibration was changed at another place; None in one that comes with its weights.
        patient: what the patient adds to the image; None where it was not shown to help.
    """

    schema_version: Literal["1"] = "1"
    weights_sha256: str
    fitted_on: FittedOn
    label: str
    network: Logistic
    size_only: Logistic
    operating_points: tuple[OperatingPoint, ...]
    training_range: TrainingRange
    additive: AdditiveModel | None = None
    local: LocalUpdate | None = None
    patient: PatientModel | None = None

    @model_validator(mode="after")
    def _check(self) -> Calibration:
        limits = self.training_range.outputs
        if limits is not None and len(limits.mean) != len(OUTPUTS):
            msg = f"expected a training range of {len(OUTPUTS)} outputs, got {len(limits.mean)}"
            raise ValueError(msg)
        names = [point.name for point in self.operating_points]
        if names != list(POINT_NAMES):
            msg = f"expected the operating points {', '.join(POINT_NAMES)}, got {', '.join(names) or 'none'}"
            raise ValueError(msg)
        return self

    def malignant(self, logits: Sequence[float]) -> float:
        """Return the calibrated probability of malignancy that raw outputs (benign, malignant, ...) stand for."""
        return self.network.probability(_margin(logits))

    def malignant_logit(self, logits: Sequence[float]) -> float:
        """Return the logit of that probability."""
        return self.network.logit(_margin(logits))

    def malignant_by_size(self, diameter_mm: float) -> float:
        """Return the calibrated probability of malignancy that the diameter alone gives."""
        return self.size_only.probability(math.log(diameter_mm))


def _margin(logits: Sequence[float]) -> float:
    return float(logits[1]) - float(logits[0])


def write_calibration(calibration: Calibration, path: Path) -> Path:
    """Write a calibration as JSON, whole or not at all."""
    return write_text(path, calibration.model_dump_json(indent=1) + "\n")


def read_calibration(path: Path, weights_sha256: str | None = None) -> Calibration:
    """Return the calibration of a file.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when it is missing, malformed or belongs to other weights.
    """
    if not path.is_file():
        raise _untrusted(f"Expected the calibration of the weights, found no {path}: `nodulus calibrate` writes it")
    try:
        calibration = read_json_as(Calibration, path, "a calibration")
    except UsageError as error:
        raise _untrusted(str(error)) from error
    if weights_sha256 is not None and calibration.weights_sha256 != weights_sha256:
        raise _untrusted(
            f"Expected the calibration of weights {weights_sha256[:12]}, got that of {calibration.weights_sha256[:12]}"
            f" in {path}: `nodulus calibrate` fits it to these weights"
        )
    return calibration


def _untrusted(message: str) -> InputRefusedError:
    return InputRefusedError(Problem(ProblemCode.UNTRUSTED_BUNDLE, message))
