"""Which model a bundle holds, and what a score of it means."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.operating_points import OperatingPoint

from .folder import CALIBRATION, METADATA, WEIGHTS


class BundleIdentity(Record):
    """Which model computed the scores, what a score of it means, and its two thresholds with what they are worth."""

    name: str
    version: str
    weights_sha256: str
    score_meaning: str
    operating_points: tuple[OperatingPoint, ...] = ()


def identify(bundle: Path) -> BundleIdentity:
    """Return the name, version and weights' SHA-256 of a bundle, what its score means, and its operating points.

    Raises:
        InputRefusedError: ``untrusted_bundle``, when the calibration is malformed or belongs to other weights.
    """
    metadata = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    weights_sha256 = hashlib.sha256((bundle / WEIGHTS).read_bytes()).hexdigest()
    return BundleIdentity(
        name=bundle.name,
        version=metadata["version"],
        weights_sha256=weights_sha256,
        score_meaning=metadata["score_meaning"],
        operating_points=read_calibration(bundle / CALIBRATION, weights_sha256).operating_points,
    )
