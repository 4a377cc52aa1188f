"""Measures how scores hold on changed crops, and writes the record and the page.

python -m benchmarks.robustness
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.places import RECORDS
from benchmarks.release.flag_groups import lidc_list
from benchmarks.validation import validation_items
from nodulus.pipeline.files import write_text

from .measure import measure
from .page import write_page

RECORD = RECORDS / "robustness.json"


def main() -> None:
    """Measure, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the page of the record alone")
    parser.add_argument("--data", type=Path, help="list of the LIDC-IDRI crops; made if not given")
    arguments = parser.parse_args()
    if not arguments.page:
        with tempfile.TemporaryDirectory() as folder:
            data = arguments.data or lidc_list(Path(folder))
            patients = {item.nodule_id: item.patient_id for item in validation_items(data)}
            write_text(RECORD, json.dumps(measure(data, patients), indent=1) + "\n")
    write_page(json.loads(RECORD.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
