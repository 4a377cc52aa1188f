"""Measure candidate explanations on the validation nodules of the LIDC crops, and write the record.

python -m benchmarks.explain -o out/explain
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.places import RECORDS, ROOT, data_dir
from nodulus.pipeline.bundle.folder import CALIBRATION, TRAINING_PATIENTS, find_bundle
from nodulus.pipeline.bundle.identity import identify
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.files import write_text
from nodulus.pipeline.readout.calibration import read_calibration

from .page import render
from .record import Explanations, Made, summarise
from .run import margin_of_air, measure_all, tasks_of

RECORD, ROWS = "explanations.json", "rows.jsonl"


def main() -> None:
    """Measure what is not measured yet, write the record and print the page; or put a record into the docs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__)
    parser.add_argument("--bundle", type=Path, help="the bundle; the checkout's by default")
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="folder of LIDC-IDRI crops")
    parser.add_argument("--nodules", type=int, help="how many, drawn at random; all by default")
    parser.add_argument("--random-nodules", type=int, default=16, help="how many of them for random weights")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "explain")
    parser.add_argument("--write-docs", action="store_true", help="put the stored record into the docs")
    arguments = parser.parse_args()
    if arguments.write_docs:
        write_docs(arguments.output, find_bundle(arguments.bundle))
        return
    record = measured(arguments)
    write_text(arguments.output / RECORD, record.model_dump_json(indent=1) + "\n")
    print(render(record))  # noqa: T201 - the page, for people


def measured(arguments: argparse.Namespace) -> Explanations:
    """Return the record of all nodules asked for; those that an earlier run has measured are not measured again."""
    bundle, out = find_bundle(arguments.bundle), arguments.output
    out.mkdir(parents=True, exist_ok=True)
    prepare_lidc(arguments.crops, out / "list.json")
    n_random = arguments.random_nodules
    tasks = tasks_of(out / "list.json", bundle / TRAINING_PATIENTS, arguments.nodules, n_random, arguments.seed)
    rows = []
    for row in measure_all(tasks, bundle, out / ROWS, arguments.jobs):
        rows.append(row)
        print(f"\r{len(rows)} of {len(tasks)} nodules", end="", file=sys.stderr)  # noqa: T201
    shown = [row for row in rows if row is not None]
    made = Made(
        command=_command(arguments),
        weights_sha256=identify(bundle).weights_sha256,
        not_shown=len(rows) - len(shown),
        margin_of_air=margin_of_air(bundle),
        additive=read_calibration(bundle / CALIBRATION).additive,
    )
    return summarise(shown, made)


def write_docs(out: Path, bundle: Path) -> None:
    """Put a record into the bundle's docs and the page that it makes among the project's."""
    record = Explanations.model_validate_json((out / RECORD).read_text(encoding="utf-8"))
    write_text(bundle / "docs" / RECORD, record.model_dump_json(indent=1) + "\n")
    write_text(RECORDS / "explanations.md", render(record))


def _command(arguments: argparse.Namespace) -> str:
    """Return the command that measures the same, without the places of this machine."""
    words = ["python -m benchmarks.explain"]
    words += [] if arguments.nodules is None else [f"--nodules {arguments.nodules}"]
    return " ".join([*words, f"--random-nodules {arguments.random_nodules} --seed {arguments.seed}"])


if __name__ == "__main__":
    main()
