"""Predictions of a data list as JSON, read back whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from nodulus.pipeline.evaluation.predictions import Prediction
from nodulus.pipeline.files import write_text
from nodulus.transforms.problems import UsageError

_PREDICTIONS: TypeAdapter[list[Prediction]] = TypeAdapter(list[Prediction])


def save_predictions(predictions: Sequence[Prediction], path: Path) -> Path:
    """Write predictions with everything they hold and return the path."""
    return write_text(path, _PREDICTIONS.dump_json(list(predictions), indent=1).decode() + "\n")


def load_predictions(path: Path) -> list[Prediction]:
    """Return the predictions of a file that ``save_predictions`` wrote.

    Raises:
        UsageError: it is not one.
    """
    try:
        return _PREDICTIONS.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"Expected predictions in {path}, got {first['loc']}: {first['msg']}") from None
