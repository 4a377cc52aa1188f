"""The files of a run that are text made of the record alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nodulus.pipeline.files import write_text

from .manifest import RunContext, manifest_of
from .record import Results
from .results_csv import results_csv

RESULTS = "results.json"


def results_json(results: Results) -> str:
    """Return the record as the text of results.json."""
    return json.dumps(results.model_dump(mode="json"), indent=2) + "\n"


# What is written of a run: each file's name, and the view of the record that it holds. The record itself is the last to
# be written: where it lies, the others do.
VIEWS: Mapping[str, Callable[[Results], str]] = {
    "results.csv": lambda results: results_csv(results.cases),
    RESULTS: results_json,
}


def write_results(
    results: Results, output_dir: Path, run: RunContext | None = None, others: Sequence[Path] = ()
) -> tuple[Path, ...]:
    """Write results.csv (one row a nodule, LPS mm), other views, and results.json into a folder; return their paths.

    Args:
        results: the record.
        output_dir: the folder; the files of the cases are there already.
        run: what the record's manifest is to say of the run, with the hashes of all its other files.
        others: files of the run in that folder which are neither views nor of one case.

    Raises:
        UsageError: a file cannot be written.
    """
    written: list[Path] = []
    for name, view in VIEWS.items():
        if name == RESULTS and run is not None:
            case_files = (output_dir / file for case in results.cases for file in case.files)
            results = results.model_copy(update={"run": manifest_of(run, [*written, *case_files, *others], output_dir)})
        written.append(write_text(output_dir / name, view(results)))
    return tuple(reversed(written))
