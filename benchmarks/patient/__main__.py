"""Measures what age and sex add to the out-of-fold scores, and writes record and page.

python -m benchmarks.patient --crops FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.ceiling.nodules import read_scored
from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.places import RECORDS, data_dir
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.files import sha256_of, write_text

from .measure import local_nodules, measure_patient
from .page import RECORD, write_page


def main(arguments: list[str] | None = None) -> None:
    """Measure, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patient", description=__doc__)
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="the folder lidc_nodules")
    parser.add_argument("--scores", type=Path, default=RECORDS / SCORE_FILE, help="as benchmarks.lidc writes them")
    parser.add_argument("--page", action="store_true", help="write the page of the record alone")
    options = parser.parse_args(arguments)
    if not options.page:
        scored = read_scored(tuple(read_crops(options.crops, options.crops)), options.scores)
        groups = measure_patient(local_nodules(scored))
        made_from = {path.name: sha256_of(path) for path in (options.crops / "nodules.csv", options.scores)}
        write_text(RECORD, json.dumps({"made_from": made_from, "groups": groups}, indent=1) + "\n")
    write_page(json.loads(RECORD.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
