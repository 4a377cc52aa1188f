"""Measures how far the label allows any score to come, and writes record, list of nodules and page.

python -m benchmarks.ceiling --crops FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.lidc.score_file import SCORE_FILE
from benchmarks.places import RECORDS, data_dir
from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.files import sha256_of, write_text
from nodulus.transforms.problems import UsageError

from .models import N_FITS, measure_models, observed_undecided
from .nodules import Scored, read_scored
from .page import LIST, RECORD, write_page
from .pairs import auc, count_pairs
from .panels import divide, everyone
from .readers import measure_readers
from .wavering import list_nodules, measure_wavering


def main(arguments: list[str] | None = None) -> int:
    """Measure, or write the page of what was measured; return 0, or 2 where the scores do not fit the crops."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ceiling", description=__doc__)
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="the folder lidc_nodules")
    parser.add_argument("--scores", type=Path, default=RECORDS / SCORE_FILE, help="as benchmarks.lidc writes them")
    parser.add_argument("--fits", type=int, default=N_FITS, help="of each model, to patients drawn anew")
    parser.add_argument("--page", action="store_true", help="write the page of the record alone")
    options = parser.parse_args(arguments)
    if not options.page:
        try:
            scored = read_scored(tuple(read_crops(options.crops, options.crops)), options.scores)
        except UsageError as error:
            print(error, file=sys.stderr)  # noqa: T201 - the command line's one line
            return 2
        rows = list_nodules(scored)
        record = measure(scored, rows, options.fits) | {
            "made_from": {path.name: sha256_of(path) for path in (options.crops / "nodules.csv", options.scores)}
        }
        write_text(RECORD, json.dumps(record, indent=1) + "\n")
        write_text(LIST, csv_text(list(rows[0]), (row.values() for row in rows)))
    write_page(json.loads(RECORD.read_text(encoding="utf-8")))
    return 0


def measure(scored: Scored, rows: list[dict[str, Any]], n_fits: int) -> dict[str, Any]:
    """Return the record.

    Args:
        scored: the nodules with their readers and scores.
        rows: ``list_nodules`` of them.
        n_fits: of each model, to patients drawn anew.
    """
    whole, _ = divide(scored.ratings, everyone).only(scored.tested)
    score = auc(count_pairs(whole, scored.scores[:, whole.nodules]), scored.patients)
    return {
        "at_hand": {"nodules": len(scored.items), "patients": len(set(scored.patients))},
        "tested": {"nodules": len(rows), "patients": len({row["patient_id"] for row in rows})},
        "score": asdict(score),
        "readers": measure_readers(scored),
        "undecided": observed_undecided(scored),
        "fits": n_fits,
        "models": measure_models(scored, n_fits),
        "wavering": measure_wavering(rows),
    }


if __name__ == "__main__":
    raise SystemExit(main())
