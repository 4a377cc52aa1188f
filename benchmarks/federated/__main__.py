"""Runs the study, arm by arm, from where it was broken off: python -m benchmarks.federated --crops FOLDER -o OUT."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import torch

from benchmarks.federated.arms import ARMS, Study, margins, train_arm
from benchmarks.federated.makers import TEST_FOLDS, hospitals, pooled, write_lists
from benchmarks.federated.page import write_page
from benchmarks.federated.scores import Scored, write_scored
from benchmarks.federated.stages import before_stage
from benchmarks.federated.table import table
from benchmarks.federated.views import draw_views
from benchmarks.places import BUNDLE, data_dir
from nodulus.pipeline.files import write_text


def main(arguments: list[str] | None = None) -> None:
    """Train, score and tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.federated", description=__doc__)
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/federated"))
    parser.add_argument("--rounds", type=int, default=16, help="of one epoch at each site")
    parser.add_argument("--seeds", type=int, default=1, help="each tests another third of the patients; 3 test all")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--train-from", default="layer3", help="first stage that trains; conv1 trains all, for days")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--page", action="store_true", help="write the record's page, too")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    logging.disable(logging.INFO)  # MONAI's algorithm tells of every step
    out = options.output / f"rounds{options.rounds}_from_{options.train_from}"
    for seed in range(options.seeds):
        run_seed(seed, out, options)
        text = table(out)
        write_text(out / "table.md", text)
        if options.page:
            write_page(text, options.rounds, options.train_from, options.bundle)
    sys.stdout.write(text)


def run_seed(seed: int, out: Path, options: argparse.Namespace) -> None:
    """Train and score every arm of a seed that has not been."""
    folder = out / f"seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    lists = hospitals(options.crops, folder, seed % TEST_FOLDS)
    everything = pooled(list(lists.values()))
    every = [*everything.training, *everything.validation, *everything.test]
    whole = {"everything": everything.model_copy(update={"training": tuple(every), "validation": (), "test": ()})}
    views = draw_views(write_lists(whole, folder)["everything"], options.bundle, options.output / "views.pt")
    kept = options.output / f"before_{options.train_from}.pt"
    views = before_stage(views, options.bundle, options.train_from, kept)
    study = Study(options.bundle, views, options.rounds, options.train_from)
    for arm in ARMS:
        scored = folder / arm.name / "scores.csv"
        if scored.is_file():
            continue
        started = time.perf_counter()
        weights = train_arm(arm, lists, study, folder / arm.name, seed)
        state = torch.load(weights, weights_only=True)
        rows = []
        for maker, content in lists.items():
            for split, items in (("validation", content.validation), ("test", content.test)):
                decided = [item for item in items if item.label is not None]
                said = margins(state, [item.nodule_id for item in decided], views, options.bundle, options.train_from)
                rows += [
                    Scored(maker, split, item.patient_id, item.nodule_id, int(item.label or 0), margin)
                    for item, margin in zip(decided, said, strict=True)
                ]
        write_scored(rows, scored)
        sys.stderr.write(f"seed {seed}, {arm.name}: {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
