"""`python -m benchmarks.readouts`: a regression at the middle of stages that never train, and trained late stages."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.frozen.study import Study, compared, published_lists, validation_auc, validation_lists
from benchmarks.lidc.folds import read_published
from benchmarks.lidc.recipe import train_recipe_sha256
from benchmarks.lidc.score_file import SCORE_FILE, write_scores
from benchmarks.places import BUNDLE, RECORDS, data_dir
from benchmarks.pretrained.pack import FOLDS
from nodulus.pipeline.bundle.folder import TRAIN_CONFIG
from nodulus.pipeline.data.data_list import DataListFile
from nodulus.pipeline.files import sha256_of, write_text

from .cost import cost
from .kept import read_said
from .late import Setting
from .page import RECORD, SCORES, write_page
from .side_by_side import EVERYTHING, KEPT, Run, keep_all, train_all, write_everything
from .sites import sites
from .study import READOUTS, Fold, logits, out_of_fold


def main(arguments: list[str] | None = None) -> None:
    """Train, judge and write, or write the page of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readouts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train late stages in all folds, judge, write record, scores and page")
    run.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="the folder lidc_nodules")
    run.add_argument("-o", "--output", type=Path, default=Path("out/readouts"), help="keeps what was computed; 9 GB")
    run.add_argument("--epochs", type=int, default=12)
    run.add_argument("--views", type=int, default=10, help="that are drawn of each nodule, once for all networks")
    run.add_argument("--seeds", type=int, default=3, help="networks a validation fold")
    run.add_argument("--fold-seeds", type=int, default=2, help="networks a published fold")
    run.add_argument("--jobs", type=int, default=2, help="networks that train side by side, each on one thread")
    timed = commands.add_parser("cost", help="time one network of both readouts beside the shipped one, write the page")
    timed.add_argument("--blocks", type=int, default=6, help="in which the engines take turns")
    timed.add_argument("--calls", type=int, default=20, help="in a block")
    together = commands.add_parser("sites", help="the mean of several hospitals' readouts, of what run kept; the page")
    together.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules", help="the folder lidc_nodules")
    together.add_argument("-o", "--output", type=Path, default=Path("out/readouts"), help="that of run")
    commands.add_parser("page", help="write the page of the record alone")
    options = parser.parse_args(arguments)
    if options.command == "run":
        _run(options)
    if options.command == "cost":
        _add("cost", cost(BUNDLE, options.blocks, options.calls))
    if options.command == "sites":
        data_list = DataListFile.read(options.output / EVERYTHING)
        study = Study({"plain": read_said(data_list, options.output / KEPT)}, data_list, BUNDLE)
        _add("sites", sites(study, options.crops, options.output))
    write_page(json.loads(RECORD.read_text(encoding="utf-8")))


def _run(options: argparse.Namespace) -> None:
    run = Run(options.output, Setting(BUNDLE, options.epochs), options.views)
    write_everything(options.crops, run.out)
    published = read_published(options.crops)
    validation = [
        Fold(f"fold{number}", data) for number, data in zip(FOLDS, validation_lists(options.crops), strict=True)
    ]
    tested = {key: Fold(str(key), data) for key, data in published_lists(options.crops, published).items()}
    seeds, fold_seeds = range(options.seeds), range(options.fold_seeds)
    keep_all(run, options.jobs)
    pairs = [(fold, seed) for fold in validation for seed in seeds]
    train_all(run, [*pairs, *((fold, seed) for fold in tested.values() for seed in fold_seeds)], options.jobs)
    study = Study({"plain": run.kept().said}, DataListFile.read(run.everything), BUNDLE)
    aucs: dict[str, list[list[float]]] = {name: [] for name in READOUTS}
    for fold in validation:
        said = [logits(study, fold.data.training, run.late(fold, seed)) for seed in seeds]
        for name in READOUTS:
            aucs[name].append([validation_auc(study, fold.data.validation, each[name]) for each in said])
    folds = out_of_fold(study, tested, lambda fold: [run.late(fold, seed) for seed in fold_seeds])
    record = {
        "train_recipe_sha256": train_recipe_sha256(BUNDLE / TRAIN_CONFIG),
        "made_from": {path.name: sha256_of(path) for path in (options.crops / "nodules.csv", RECORDS / SCORE_FILE)},
        "epochs": options.epochs,
        "views": options.views,
        "fold_seeds": options.fold_seeds,
        "torch": torch.__version__,
        "validation": aucs,
        "compared": compared(folds),
    }
    write_scores(folds, SCORES)
    if RECORD.is_file():  # what does not depend on what it is worth
        before = json.loads(RECORD.read_text(encoding="utf-8"))
        record |= {name: before[name] for name in ("cost", "sites") if name in before}
    write_text(RECORD, json.dumps(record, indent=1) + "\n")


def _add(name: str, found: dict[str, Any]) -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    write_text(RECORD, json.dumps(record | {name: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
