"""`python -m benchmarks.speed`: ours and the alternatives side by side, as a table and as out/bench.json."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from benchmarks.places import ROOT

from .figures import Agreement, Figure, FloorFigure
from .measure import memory_figures, process_figures, stock_figures, warm_figures
from .report import as_json, as_markdown, write_page
from .scans import missing, scans

# What stock MONAI is measured on: it loads the whole scan, the container's format makes no difference to it.
STOCK_SCANS = ("small phantom, DICOM", "LIDC-IDRI-0001, folder", "phantom, DICOM", "phantom, .nii")
MEMORY_SCANS = ("LIDC-IDRI-0001, folder", "phantom, DICOM", "phantom, .nii")
PROCESS_SCANS = ("LIDC-IDRI-0001, folder", "phantom, DICOM")


def main() -> None:
    """Measure what the command line asks for, print it and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round on a small phantom, nothing as a process")
    parser.add_argument("--rounds", type=int, default=5, help="of each scenario; the median counts")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "bench.json")
    parser.add_argument(
        "--write-docs", action="store_true", help="put the stored figures into docs/records/performance.md"
    )
    arguments = parser.parse_args()
    if arguments.write_docs:
        write_page(arguments.output)
        return
    # The alternatives' own complaints about a scan are not what is measured.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for line in [] if arguments.quick else missing():
        print(line)  # noqa: T201 - a table for people
    rounds = 1 if arguments.quick else arguments.rounds
    results = as_json(list(_measured(arguments.quick, rounds)), "make bench")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(as_markdown(results))  # noqa: T201


def _measured(quick: bool, rounds: int) -> Iterator[Figure | FloorFigure | Agreement]:
    for scan in scans(quick):
        print(f"measuring {scan.name}", file=sys.stderr)  # noqa: T201
        yield from warm_figures(scan, rounds)
        if scan.name in STOCK_SCANS:
            yield from stock_figures(scan, min(rounds, 3))
        if scan.name in MEMORY_SCANS:
            yield from memory_figures(scan)
        if scan.name in PROCESS_SCANS:
            yield from process_figures(scan, rounds)


if __name__ == "__main__":
    main()
