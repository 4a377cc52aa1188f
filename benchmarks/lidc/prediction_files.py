"""Predictions of a data list as JSON, read back whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from nodulus.pipeline.evaluation.predictions import Prediction
from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as

_PREDICTIONS: TypeAdapter[list[Prediction]] = TypeAdapter(list[Prediction])


def save_predictions(predictions: Sequence[Prediction], path: Path) -> Path:
    """Write predictions with everything they hold and return the path."""
    return write_text(path, _PREDICTIONS.dump_json(list(predictions), indent=1).decode() + "\n")


def load_predictions(path: Path) -> list[Prediction]:
    """Return the predictions of a file that ``save_predictions`` wrote.

    Raises:
        UsageError: it is not one.
    """
    return read_json_as(list[Prediction], path, "predictions")
