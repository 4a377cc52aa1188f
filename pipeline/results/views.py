"""The files of a run that are text made of the record alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from nodulus.pipeline.files import write_text
from nodulus.transforms.problems import UsageError

from .manifest import RunContext, manifest_of
from .record import Results
from .results_csv import results_csv

RESULTS = "results.json"
# The line of `results_json` on which the cases begin: they are its last field.
_CASES = '  "cases": ['


def results_json(results: Results) -> str:
    """Return the record as the text of results.json."""
    return json.dumps(results.model_dump(mode="json"), indent=2) + "\n"


def read_head(path: Path) -> Results:
    """Return what a results.json of ours says of its run, without its cases, however many they are.

    Raises:
        UsageError: the file is missing, or was not written by this version of nodulus.
    """
    lines: list[str] = []
    try:
        with path.open(encoding="utf-8") as file:
            lines += takewhile(lambda line: not line.startswith(_CASES), file)
        return Results.model_validate_json(f"{''.join(lines)}{_CASES}]}}")
    except (OSError, ValueError) as error:
        raise UsageError(f"Expected the results of nodulus, got something else in {path}") from error


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
