"""Fits the outline's model, measures it, or writes the page of the measurement.

python -m benchmarks.volume fit | measure | others | page
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.places import RECORDS, data_dir
from benchmarks.release.flag_groups import lidc_list
from benchmarks.validation import validation_items
from nodulus.pipeline.data.data_list import read_data_list
from nodulus.pipeline.files import write_text

from .crops import read_crops
from .cross_fit import measure_others
from .fit import fit, write_model
from .measure import measure
from .page import write_page

RECORD, OTHERS = RECORDS / "volume.json", RECORDS / "volume-others.json"


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.volume", description=__doc__)
    parser.add_argument("what", choices=("fit", "measure", "others", "page"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes that measure side by side")
    parser.add_argument("-o", "--output", type=Path, default=RECORD, help="the record")
    parser.add_argument("--data", type=Path, help="list of the LIDC-IDRI crops; made if not given")
    arguments = parser.parse_args()
    if arguments.what == "page":
        write_page(*(json.loads(path.read_text(encoding="utf-8")) for path in (arguments.output, OTHERS)))
        return
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or lidc_list(Path(folder))
        crops = data_dir() / "lidc_nodules"
        if arguments.what == "fit":
            write_model(fit(list(read_crops(read_data_list(data).training, crops)), arguments.seed))
        elif arguments.what == "others":
            record = measure_others(read_data_list(data).training, crops, arguments.seed, arguments.jobs)
            write_text(OTHERS, json.dumps(record, indent=1) + "\n")
        else:
            record = measure(validation_items(data), crops, arguments.seed, arguments.jobs)
            write_text(arguments.output, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
