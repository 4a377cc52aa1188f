"""Trains named variants of train.json on the same folds and writes what each is worth on its validation patients.

python -m benchmarks.release.experiments --crops CROPS -o OUT --folds 0 1 --epochs 25 base lr_3e-3
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.places import BUNDLE
from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.data.lidc import prepare_lidc
from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
from nodulus.pipeline.evaluation.record import DIAMETER, DIAMETER_BOX, NETWORK, read_evaluation
from nodulus.pipeline.training.calibrate import calibrate
from nodulus.pipeline.training.train import train

HERE = Path(__file__).parent
BENCHMARK_RULE = "median above 3 against below 3"
EVALUATED = ("patch_size", "patch_spacing_mm", "margin_mm", "hu_window", "network_def")
COLUMNS = (
    "variant",
    "fold",
    "seed",
    "epochs",
    "auc_last5",
    "auc_best",
    "own_box",
    "diameter_box",
    "diameter",
    "size_matched",
    "median_rule",
    "seconds",
)


def main() -> None:
    """Run the variants that the command line names and add a row for each to OUT/experiments.csv."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.release.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("variants", nargs="+", help="names in experiments.json")
    parser.add_argument("--crops", type=Path, required=True, help="the folder lidc_nodules")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="+", default=[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments = parser.parse_args()
    known = json.loads((HERE / "experiments.json").read_text())
    for name in arguments.variants:
        for fold in arguments.folds:
            for seed in arguments.seeds:
                overrides = known[name] | {
                    "seed": seed,
                    "max_epochs": arguments.epochs,
                    "num_workers": arguments.workers,
                }
                _record(_run(name, fold, overrides, arguments), arguments.out / "experiments.csv")


def _run(name: str, fold: int, overrides: Mapping[str, Any], arguments: argparse.Namespace) -> dict[str, object]:
    """Train and evaluate one variant on one fold."""
    started_s = time.perf_counter()
    data_list = arguments.out / f"fold{fold}.json"
    prepare_lidc(arguments.crops, data_list, fold=fold)
    folder = arguments.out / f"{name}_fold{fold}_seed{overrides['seed']}"
    weights = train(data_list, folder, arguments.bundle, **overrides)
    shared = {key: value for key, value in overrides.items() if key.split("::")[0] in EVALUATED}
    calibrate(data_list, weights, arguments.bundle, **shared)
    report = read_evaluation(
        evaluate_bundle(data_list, folder / "report", arguments.bundle, weights=str(weights), **shared)
    )
    (median,) = [group.auc.get(NETWORK) for group in report.label_rules if group.name == BENCHMARK_RULE]
    matched = report.size_matched.get(NETWORK)
    aucs = [float(line.split()[2]) for line in (folder / "training_log.txt").read_text().splitlines()[1:]]
    return {
        "variant": name,
        "fold": fold,
        "seed": overrides["seed"],
        "epochs": len(aucs),
        "auc_last5": sum(aucs[-5:]) / len(aucs[-5:]),
        "auc_best": max(aucs),
        "own_box": report.scores[NETWORK].auc.value,
        "diameter_box": report.scores[DIAMETER_BOX].auc.value,
        "diameter": report.scores[DIAMETER].auc.value,
        "size_matched": "" if matched is None else matched.auc.value,
        "median_rule": "" if median is None else median.value,
        "seconds": time.perf_counter() - started_s,
    }


def _record(row: Mapping[str, object], table: Path) -> None:
    """Add a row to the table of results."""
    is_new = not table.is_file()
    cells = [f"{value:.4f}" if isinstance(value, float) else value for value in map(row.get, COLUMNS)]
    text = csv_text(COLUMNS, [cells])
    with table.open("a", newline="", encoding="utf-8") as lines:
        lines.write(text if is_new else text.partition("\n")[2])


if __name__ == "__main__":
    main()
