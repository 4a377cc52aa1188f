"""`python -m benchmarks.lidc`: the network against published scores and simple baselines, on the same nodules."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import BUNDLE, RECORDS
from nodulus.transforms.problems import UsageError

from .command import N_RESAMPLES, benchmark, write_docs
from .fold_run import FoldRun, TrainingOptions, run_fold
from .folds import FoldKey


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for and return the exit code: 0, 1 where a fold failed, 2 for bad usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["fold"]:
            return _fold(_fold_parser().parse_args(given[1:]))
        options = _parser().parse_args(given)
        if options.write_docs:
            write_docs(options.output, options.bundle, RECORDS)
            return 0
        return benchmark(options)
    except UsageError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command line's one line
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lidc", description=__doc__)
    _add_common(parser)
    parser.add_argument("--repeats", type=int, nargs="+", default=[1], help="of the published division, 0 to 2")
    parser.add_argument("--folds", type=int, nargs="+", default=[], help="of each repeat, 0 to 4; all without")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="networks in each fold")
    parser.add_argument("--jobs", type=int, default=1, help="folds at a time; they share the cores")
    parser.add_argument("--report-only", action="store_true", help="train nothing: compare what is finished, if any")
    parser.add_argument(
        "--untouched", type=Path, help="text file of patients that no setting was chosen on, one a line"
    )
    parser.add_argument("--diagnosis", type=Path, help="CSV of patient_id,diagnosis, for the report's check against it")
    parser.add_argument("--resamples", type=int, default=N_RESAMPLES, help="bootstrap samples of patients")
    parser.add_argument("--write-docs", action="store_true", help="put OUT/benchmark.json into the bundle and its page")
    return parser


def _fold_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lidc fold", description="Train and score one fold.")
    _add_common(parser)
    parser.add_argument("--rep", type=int, required=True)
    parser.add_argument("--fold", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--crops", type=Path, required=True, help="the folder lidc_nodules")
    parser.add_argument("-o", "--output", type=Path, required=True, help="resumed where it holds finished folds")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--epochs", type=int, help="at most; train.json's own number without")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--views",
        type=int,
        help="draw so many of each nodule once, and keep what the first stages say: minutes a network on a CPU, 9 GB"
        " for 10; without, every epoch draws new ones",
    )


def _fold(options: argparse.Namespace) -> int:
    # ignite and MONAI warn of each other; the log of a fold is for what goes wrong in it.
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.WARNING)
    training = TrainingOptions(options.bundle, options.epochs, options.device, options.views)
    run_fold(FoldRun(FoldKey(options.rep, options.fold), options.seed), options.crops, options.output, training)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
