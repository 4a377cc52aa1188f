"""`make bench-listen`: a load on a listener that is killed again and again; prints what was found as JSON."""

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
from tests.load.run import Load, run_load
from tests.support.small_studies import template


def main() -> int:
    """Run a load; the exit code tells whether anything was lost, doubled or let in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--a-second", type=float, default=1.0)
    parser.add_argument("--settle", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = write_demo_study(folder, PhantomSpec(size_xyz=(96, 96, 92), spacing_mm=(3.4, 3.4, 3.0)))
        load = Load(asked.studies, asked.kills, asked.a_second, asked.settle, seed=asked.seed)
        began = time.monotonic()
        found = run_load(load, template(study.dicom_folder, folder), folder)
    found |= {"seconds": round(time.monotonic() - began), "load_average": os.getloadavg()}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    is_bad = any(found[name] for name in ("objects_lost", "objects_doubled", "answers_lost", "answers_doubled"))
    return int(is_bad or bool(found["strangers_let_in"]))


if __name__ == "__main__":
    sys.exit(main())
