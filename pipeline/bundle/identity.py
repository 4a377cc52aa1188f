"""Which model a bundle holds, and what a score of it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.calibration import Calibration, read_calibration
from nodulus.pipeline.readout.prior_shift import PrevalenceShift
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.operating_points import OperatingPoint
from nodulus.transforms.problems import InputRefusedError, ProblemCode, UsageError, refuse

from .folder import CALIBRATION, METADATA, WEIGHTS


class Metadata(Record, extra="allow"):
    """What is asked of a bundle's ``metadata.json``; MONAI keeps much more there."""

    version: str
    score_meaning: str


class BundleIdentity(Record):
    """Which model computed the scores, what a score of it means, and its two thresholds with what they are worth.

    ``prevalence`` is there where scores and thresholds are not as calibrated but of another prevalence.
    """

    name: str
    version: str
    weights_sha256: str
    score_meaning: str
    operating_points: tuple[OperatingPoint, ...] = ()
    prevalence: PrevalenceShift | None = None


def read_metadata(bundle: Path) -> Metadata:
    """Return a bundle's metadata.

    Raises:
        UsageError: it is missing, or is not that of a bundle whose scores we read.
    """
    path = bundle / METADATA
    expected = "the metadata of a nodulus bundle"
    content = read_json_as(object, path, expected)
    if not isinstance(content, Mapping):
        raise UsageError(f"Expected {expected}, an object, got one {type(content).__name__} in {path}")
    lacking = [name for name in Metadata.model_fields if not isinstance(content.get(name), str)]
    if lacking:
        raise UsageError(
            f"Expected {expected}, with texts for {' and '.join(Metadata.model_fields)}, got none for"
            f" {' and '.join(lacking)} in {path}: it is that of another program's bundle"
        )
    return read_json_as(Metadata, path, expected)


def identify(bundle: Path, prevalence: float | None = None, calibration: Path | None = None) -> BundleIdentity:
    """Return the name, version and weights' SHA-256 of a bundle, what its score means, and its operating points.

    Args:
        bundle: its folder.
        prevalence: share of malignant nodules at which its scores are read; thresholds move with them, so that what
            reaches one is the same nodules.
        calibration: another one than the bundle's own, made at another place: it says itself what its score means.

    Raises:
        UsageError: the metadata is malformed.
        InputRefusedError: ``untrusted_bundle``, when the calibration is malformed or belongs to other weights.
    """
    metadata = read_metadata(bundle)
    weights_sha256 = sha256_of(bundle / WEIGHTS)
    fitted = calibration_of(bundle / WEIGHTS, weights_sha256, calibration or bundle / CALIBRATION)
    meaning = _meaning(metadata, fitted)
    known: dict[str, Any] = {"name": bundle.name, "version": metadata.version, "weights_sha256": weights_sha256}
    if prevalence is None:
        return BundleIdentity(**known, score_meaning=meaning, operating_points=fitted.operating_points)
    shift = _shift(prevalence, fitted)
    points = (
        point.model_copy(update={"threshold": shift.probability(point.threshold)}) for point in fitted.operating_points
    )
    meaning = f"{meaning} Here {shift.in_words}."
    return BundleIdentity(**known, score_meaning=meaning, operating_points=tuple(points), prevalence=shift)


def _shift(prevalence: float, calibration: Calibration) -> PrevalenceShift:
    fitted = calibration.fitted_on
    if not (fitted.malignant > 0 and fitted.benign > 0):
        got = f"{fitted.malignant} malignant and {fitted.benign} benign"
        message = f"Expected a calibration on nodules of both classes to shift, got {got} ones"
        raise refuse(ProblemCode.UNTRUSTED_BUNDLE, message)
    return PrevalenceShift(asked=prevalence, calibrated=fitted.prevalence)


def _meaning(metadata: Metadata, calibration: Calibration) -> str:
    """Return what a score means: as the bundle says, or as the labels say that a local calibration was fitted to."""
    fitted = calibration.fitted_on
    if calibration.local is None:
        return metadata.score_meaning
    return (
        f"Probability of malignancy, calibrated at this place on {fitted.nodules} nodules of {fitted.patients}"
        f" patients; malignant is: {calibration.label}."
    )


def calibration_of(weights: Path, weights_sha256: str, calibration: Path) -> Calibration:
    """Return the calibration of a file of weights.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when it is missing, malformed or belongs to other weights; of weights
            that are damaged that is said, as no calibration could help them.
    """
    try:
        return read_calibration(calibration, weights_sha256)
    except InputRefusedError as error:
        # Loaded late: who only asks for a bundle's name should not wait for torch.
        from .weights import is_damaged

        if not is_damaged(weights):
            raise
        message = f"Expected whole weights, got a damaged file {weights}: get the bundle, or train, again"
        raise refuse(ProblemCode.UNTRUSTED_BUNDLE, message) from error
