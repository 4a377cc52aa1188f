"""Which model a bundle holds, and what a score of it means."""

from __future__ import annotations

from pathlib import Path

from nodulus.pipeline.files import sha256_of
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.operating_points import OperatingPoint

from .folder import CALIBRATION, METADATA, WEIGHTS


class Metadata(Record, extra="allow"):
    """What is asked of a bundle's ``metadata.json``; MONAI keeps much more there."""

    version: str
    score_meaning: str


class BundleIdentity(Record):
    """Which model computed the scores, what a score of it means, and its two thresholds with what they are worth."""

    name: str
    version: str
    weights_sha256: str
    score_meaning: str
    operating_points: tuple[OperatingPoint, ...] = ()


def read_metadata(bundle: Path) -> Metadata:
    """Return a bundle's metadata.

    Raises:
        UsageError: it is missing, or is not that of a bundle whose scores we read.
    """
    return read_json_as(Metadata, bundle / METADATA, "the metadata of a nodulus bundle")


def identify(bundle: Path) -> BundleIdentity:
    """Return the name, version and weights' SHA-256 of a bundle, what its score means, and its operating points.

    Raises:
        UsageError: the metadata is malformed.
        InputRefusedError: ``untrusted_bundle``, when the calibration is malformed or belongs to other weights.
    """
    metadata = read_metadata(bundle)
    weights_sha256 = sha256_of(bundle / WEIGHTS)
    return BundleIdentity(
        name=bundle.name,
        version=metadata.version,
        weights_sha256=weights_sha256,
        score_meaning=metadata.score_meaning,
        operating_points=read_calibration(bundle / CALIBRATION, weights_sha256).operating_points,
    )
