"""What is recorded of why a nodule has its score."""

from __future__ import annotations

from pathlib import Path

from nodulus.pipeline.readout.additive import ScoreParts
from nodulus.pipeline.readout.calibration import read_calibration
from nodulus.pipeline.results.record import ScorePartsRecord
from nodulus.transforms.problems import UsageError


def check_explains(path: Path) -> None:
    """Raise what keeps a calibration from explaining its scores.

    Raises:
        UsageError: it holds no sum over characteristics and size.
    """
    if read_calibration(path).additive is None:
        msg = (
            f"Expected a calibration that holds the sum to explain by, got none in {path}: `nodulus calibrate` fits it"
        )
        raise UsageError(msg)


def record_parts(parts: ScoreParts | None) -> ScorePartsRecord | None:
    """Return the record of a score taken apart, None of one that was not."""
    if parts is None:
        return None
    return ScorePartsRecord(
        logit=parts.logit,
        average=parts.average,
        parts=dict(parts.parts),
        remainder=parts.remainder,
        explained=parts.explained,
    )
