"""Measure candidate explanations on the validation nodules of the LIDC crops, and write record and page.

python -m benchmarks.explain -o out/explain
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.places import ROOT, data_dir
from nodulus.pipeline.bundle.folder import TRAINING_PATIENTS, find_bundle
from nodulus.pipeline.data.lidc import prepare_lidc

from .run import measure_all, tasks_of


def main() -> None:
    """Measure what is not measured yet and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__)
    parser.add_argument("--bundle", type=Path, help="the bundle; the checkout's by default")
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="folder of LIDC-IDRI crops")
    parser.add_argument("--nodules", type=int, help="how many; all by default")
    parser.add_argument("--random-nodules", type=int, default=30, help="how many for random weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "explain")
    arguments = parser.parse_args()
    bundle = find_bundle(arguments.bundle)
    arguments.output.mkdir(parents=True, exist_ok=True)
    data = arguments.output / "list.json"
    prepare_lidc(arguments.crops, data)
    tasks = tasks_of(data, bundle / TRAINING_PATIENTS, arguments.nodules, arguments.random_nodules, arguments.seed)
    rows = []
    for row in measure_all(tasks, bundle, arguments.output / "rows.jsonl", arguments.jobs):
        rows.append(row)
        print(f"\r{len(rows)} of {len(tasks)} nodules", end="", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
