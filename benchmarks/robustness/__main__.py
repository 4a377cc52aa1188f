"""Measures how scores hold on changed crops and in the nodules' own scans, and writes the record and the page.

python -m benchmarks.robustness
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.places import RECORDS, data_dir
from benchmarks.release.flag_groups import lidc_list
from benchmarks.validation import validation_items
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.files import write_text

from .measure import measure
from .own_scans import measure_own_scans
from .page import OWN, write_page

CHANGED = "changed"
PARTS = (CHANGED, OWN)
RECORD = RECORDS / "robustness.json"


def main() -> None:
    """Measure, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the page of the record alone")
    parser.add_argument("--only", choices=PARTS, help="measure one part; the other stays as the record has it")
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="the folder lidc_nodules")
    parser.add_argument("--data", type=Path, help="list of these crops; made if not given")
    arguments = parser.parse_args()
    parts = () if arguments.page else (arguments.only,) if arguments.only else PARTS
    record: dict[str, Any] = {} if parts == PARTS else json.loads(RECORD.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        if CHANGED in parts:
            data = arguments.data or lidc_list(Path(folder))
            patients = {item.nodule_id: item.patient_id for item in validation_items(data)}
            record |= measure(data, patients)
        if OWN in parts:
            items = tuple(read_crops(arguments.crops, Path(folder)))
            record[OWN] = measure_own_scans(items, Path(folder), RECORDS / SCORE_FILE)
    write_text(RECORD, json.dumps(record, indent=1) + "\n")
    write_page(record)


if __name__ == "__main__":
    main()
