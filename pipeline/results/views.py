"""The files of a run that are text made of the record alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from nodulus.pipeline.files import write_text

from .record import Results
from .results_csv import results_csv


def results_json(results: Results) -> str:
    """Return the record as the text of results.json."""
    return json.dumps(results.model_dump(mode="json"), indent=2) + "\n"


# What is written of a run: each file's name, and the view of the record that it holds.
VIEWS: Mapping[str, Callable[[Results], str]] = {
    "results.json": results_json,
    "results.csv": lambda results: results_csv(results.cases),
}


def write_results(results: Results, output_dir: Path) -> tuple[Path, ...]:
    """Write results.json, results.csv (one row a nodule, LPS mm) and other views into a folder; return their paths."""
    return tuple(write_text(output_dir / name, view(results)) for name, view in VIEWS.items())
