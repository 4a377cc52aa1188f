"""The files of a run that are text made of the record alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from nodulus.pipeline.files import write_texts
from nodulus.pipeline.records import Record
from nodulus.transforms.problems import UsageError

from .manifest import RunContext, manifest_of
from .record import CaseResult, Results
from .results_csv import results_csv

RESULTS = "results.json"
# The line of `results_json` on which the cases begin: they are its last field.
_CASES = '  "cases": ['


def results_json(results: Results) -> str:
    """Return the record as the text of results.json."""
    return "".join(_json_parts(results, results.cases))


def _json_parts(head: Results, cases: Iterable[CaseResult]) -> Iterator[str]:
    """Yield the text of results.json case by case: thousands of cases are never in memory together."""
    yield _as_json(head.model_copy(update={"cases": ()})).removesuffix("]\n}")
    between = "\n"
    for case in cases:
        yield between + "    " + _as_json(case).replace("\n", "\n    ")
        between = ",\n"
    yield "]\n}\n" if between == "\n" else "\n  ]\n}\n"


def _as_json(record: Record) -> str:
    return json.dumps(record.model_dump(mode="json"), indent=2)


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
VIEWS: Mapping[str, Callable[[Results, Iterable[CaseResult]], Iterable[str]]] = {
    "results.csv": lambda _, cases: (results_csv(cases),),
    RESULTS: _json_parts,
}


def write_results(
    results: Results,
    output_dir: Path,
    run: RunContext | None = None,
    others: Sequence[Path] = (),
    cases: Sequence[CaseResult] | None = None,
) -> tuple[Path, ...]:
    """Write results.csv (one row a nodule, LPS mm), other views, and results.json into a folder; return their paths.

    Args:
        results: the record.
        output_dir: the folder; the files of the cases are there already.
        run: what the record's manifest is to say of the run, with the hashes of all its other files.
        others: files of the run in that folder which are neither views nor of one case.
        cases: in place of the record's, where they are read one by one from where they lie.

    Raises:
        UsageError: a file cannot be written.
    """
    written: list[Path] = []
    cases = results.cases if cases is None else cases
    for name, view in VIEWS.items():
        if name == RESULTS and run is not None:
            case_files = (output_dir / file for case in cases for file in case.files)
            results = results.model_copy(update={"run": manifest_of(run, [*written, *case_files, *others], output_dir)})
        written.append(write_texts(output_dir / name, view(results, cases)))
    return tuple(reversed(written))
