"""The whole benchmark in its order: train what is missing, compare what is there, write record and reports."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from nodulus.pipeline.files import check_output_dir, write_text
from nodulus.transforms.problems import UsageError

from .compare import Made, compare
from .fold_run import FoldRun, TrainingOptions, finished_runs, pending, read_machine, read_settings
from .folds import FoldKey, read_published
from .out_of_fold import write_out_of_fold
from .page import render
from .record import Benchmark, Networks, read_benchmark, write_benchmark
from .run import run_all
from .score_file import SCORE_FILE, write_scores
from .scores import FoldScores, gather
from .untouched import Untouched, read_untouched, untouched_by_folds

RECORD, REPORT, OUT_OF_FOLD = "benchmark.json", Path("report/metrics.json"), "out_of_fold.json"
N_RESAMPLES = 2000


def benchmark(options: argparse.Namespace) -> int:
    """Train, compare, write and print as the command line asks; return 1 where a fold failed, else 0."""
    crops, out = options.crops, options.output
    check_output_dir(out)
    out.mkdir(parents=True, exist_ok=True)
    published = read_published(crops)
    keys = published.select(options.repeats, options.folds)
    runs = [FoldRun(key, seed) for key in keys for seed in options.seeds]
    problems = () if options.report_only else _train(runs, options)
    finished, compared = _comparable(runs, keys, out)
    folds = gather(crops, out, published, compared, finished)
    made = Made(_command(options), _networks(finished, out), problems)
    record = compare(folds, published, _untouched(options, folds), crops, made, n_resamples=options.resamples)
    write_benchmark(record, out / RECORD)
    write_scores(folds, out / SCORE_FILE)
    print(render(record))  # noqa: T201 - the table, for people
    if report := write_out_of_fold(record, folds, crops, out, options.diagnosis):
        _say(f"wrote {report}")
    return 1 if problems else 0


def write_docs(out: Path, bundle: Path, pages: Path) -> Benchmark:
    """Put a record, its evaluation and its scores into the bundle's docs and the project's pages; return the record."""
    record = read_benchmark(out / RECORD)
    write_benchmark(record, bundle / "docs" / RECORD)
    write_text(pages / "benchmark.md", render(record))
    if (out / REPORT).is_file():
        write_text(bundle / "docs" / OUT_OF_FOLD, (out / REPORT).read_text(encoding="utf-8"))
    if (out / SCORE_FILE).is_file():
        write_text(pages / SCORE_FILE, (out / SCORE_FILE).read_text(encoding="utf-8"))
    return record


def _train(runs: Sequence[FoldRun], options: argparse.Namespace) -> tuple[str, ...]:
    """Train what is not finished and return what failed."""
    training = TrainingOptions(options.bundle, options.epochs, options.device, options.views)
    missing = pending(runs, options.crops, options.output, training)
    _say(f"{len(runs) - len(missing)} of {len(runs)} networks finished before, {len(missing)} to train")
    if missing and options.views is not None:
        from benchmarks.readouts.side_by_side import write_everything  # comparing needs no torch

        from .on_views import keep_views

        write_everything(options.crops, options.output)
        keep_views(options.output, options.bundle, options.views)  # once, before the folds' processes ask for them
    outcomes = run_all(missing, options.crops, options.output, training, options.jobs, _say)
    return tuple(f"{outcome.run}: {outcome.problem}" for outcome in outcomes if outcome.problem is not None)


def _comparable(runs: Sequence[FoldRun], keys: Sequence[FoldKey], out: Path) -> tuple[list[FoldRun], list[FoldKey]]:
    """Return the finished runs and the folds in which every seed asked for is finished; all folds where none is."""
    there = set(finished_runs(out))
    complete = [key for key in keys if all(run in there for run in runs if run.key == key)]
    return [run for run in runs if run.key in complete], complete or list(keys)


def _networks(runs: Sequence[FoldRun], out: Path) -> Networks | None:
    if not runs:
        return None
    settings = {run: read_settings(run, out) for run in runs}
    ways = {(each.epochs, each.train_recipe_sha256, each.views) for each in settings.values()}
    if len(ways) > 1:
        raise UsageError(
            f"Expected all networks in {out} trained in one way, got {len(ways)}: epochs, views or train.json differ"
        )
    ((epochs, config, views),) = ways
    return Networks(
        seeds=tuple(sorted({run.seed for run in runs})),
        epochs=epochs,
        train_recipe_sha256=config,
        data_hashes={str(run.key): each.data_hash for run, each in settings.items()},
        machines=tuple(sorted({read_machine(run, out) for run in runs})),
        views=views,
    )


def _untouched(options: argparse.Namespace, folds: Sequence[FoldScores]) -> Untouched:
    if options.untouched is None:
        return untouched_by_folds(options.crops)
    return read_untouched(options.untouched, {patient for fold in folds for patient in fold.patients})


def _command(options: argparse.Namespace) -> str:
    """Return the command that makes the same, without the places of this machine."""
    words = ["python", "-m", "benchmarks.lidc", "--crops", "CROPS", "-o", "OUT"]
    words += ["--repeats", *map(str, options.repeats), "--seeds", *map(str, options.seeds)]
    words += ["--folds", *map(str, options.folds)] if options.folds else []
    words += ["--epochs", str(options.epochs)] if options.epochs is not None else []
    words += ["--views", str(options.views)] if options.views is not None else []
    words += ["--resamples", str(options.resamples)] if options.resamples != N_RESAMPLES else []
    words += ["--report-only"] if options.report_only else []
    words += ["--diagnosis", f"CROPS/{options.diagnosis.name}"] if options.diagnosis else []
    words += ["--untouched", options.untouched.name] if options.untouched else []
    return shlex.join(words)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress, for people
