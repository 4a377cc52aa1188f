"""`make bench-listen`, `make fuzz-listen`: a load on a listener, or hostile senders; prints what was found as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from nodulus.pipeline.phantom import PhantomSpec
from nodulus.pipeline.phantom.demo_study import write_demo_study
from tests.load.page import write_figures
from tests.load.run import Load, run_load
from tests.load.run_hostile import odd_names, run_hostile, store_hostile
from tests.support.small_studies import template

# What has to be none.
WRONG = (
    *("objects_lost", "objects_doubled", "answers_lost", "answers_doubled", "strangers_let_in"),
    *("sound_refused", "crashes", "written_outside", "odd_names"),
)


def main() -> int:
    """Run a load, or hostile senders; the exit code tells whether anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--a-second", type=float, default=1.0)
    parser.add_argument("--settle", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hostile", type=int, default=0, help="hostile objects; a tenth as many, and units, are sent")
    parser.add_argument("-o", "--output", type=Path, help="a file for what is printed")
    parser.add_argument(
        "--write-docs", nargs=2, metavar=("NAME", "FILE"), help="such a file, into the place of a name in docs/records"
    )
    asked = parser.parse_args()
    if asked.write_docs:
        name, file = asked.write_docs
        write_figures(name, Path(file))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = write_demo_study(folder, PhantomSpec(size_xyz=(96, 96, 92), spacing_mm=(3.4, 3.4, 3.0)))
        model = template(study.dicom_folder, folder)
        began = time.monotonic()
        if asked.hostile:
            ends = store_hostile(asked.hostile, model, folder / "filled", asked.seed)
            found = run_hostile(asked.hostile // 10, asked.hostile // 10, model, folder, asked.seed)
            found |= {"stored_directly": dict(ends), "odd_names": [*odd_names(folder / "filled"), *found["odd_names"]]}
        else:
            load = Load(asked.studies, asked.kills, asked.a_second, asked.settle, seed=asked.seed)
            found = run_load(load, model, folder)
    told = found | {"seconds": round(time.monotonic() - began), "load_average": os.getloadavg()}
    text = json.dumps(told, indent=2) + "\n"
    sys.stdout.write(text)
    if asked.output:
        asked.output.write_text(text)
    return int(any(found[name] for name in WRONG if name in found))


if __name__ == "__main__":
    sys.exit(main())
