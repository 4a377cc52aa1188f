r"""Puts the weights of a training run into the bundle, with the record of how they were made and what they are worth.

python -m benchmarks.release.ship_weights --run OUT --data LIST.json \\
  --command "python -m monai.bundle run ..." --trained-with "one GPU; torch 2.11.0, ..."
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.places import BUNDLE
from nodulus.pipeline.evaluation.evaluate import evaluate_bundle
from nodulus.pipeline.evaluation.record import DIAMETER_BOX, NETWORK, Evaluation, read_evaluation
from nodulus.pipeline.files import write_text
from nodulus.pipeline.training.calibrate import calibrate

PACKAGES = ("monai", "torch", "pytorch-ignite", "numpy", "scikit-learn")


def main() -> None:
    """Copy model.pt and training_log.txt of a run into the bundle, calibrate and evaluate them, write training.txt."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.release.ship_weights",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="output_dir of the training")
    parser.add_argument("--data", type=Path, required=True, help="the data list it was trained on")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--command", required=True, help="the command that trained them, with general paths")
    parser.add_argument("--trained-with", required=True, help="device and versions of the training")
    arguments = parser.parse_args()
    models, docs = arguments.bundle / "models", arguments.bundle / "docs"
    for name in ("model.pt", "training_log.txt"):
        shutil.copyfile(arguments.run / name, models / name)
    calibrate(arguments.data, models / "model.pt", arguments.bundle)
    with tempfile.TemporaryDirectory() as folder:
        metrics = evaluate_bundle(arguments.data, Path(folder), arguments.bundle)
        shutil.copyfile(metrics, docs / "metrics.json")
    config = json.loads((arguments.bundle / "configs" / "train.json").read_text())
    data = json.loads(arguments.data.read_text())
    trained = (arguments.command, arguments.trained_with)
    facts = describe(read_evaluation(docs / "metrics.json"), data, config, trained)
    facts["best epoch"] = _best_epoch(models / "training_log.txt")
    write_text(models / "training.txt", "".join(f"{key}: {value}\n" for key, value in facts.items()))


def describe(
    report: Evaluation, data: Mapping[str, Any], config: Mapping[str, Any], trained: tuple[str, str]
) -> dict[str, str]:
    """Return what the weights were made from and what they are worth, by name."""
    counts, bundle = report.counts, report.context.bundle
    facts = {
        "prepared by": f"nodulus prepare lidc --crops lidc_nodules -o LIST.json (folds {data['folds']}, fold "
        f"{data['fold']}, seed {data['seed']})",
        "trained by": trained[0],
        "trained with": trained[1],
        "data": f"{data['name']}, {data['licence']}",
        "data_hash": str(report.context.data_hash),
        "left out": ", ".join(data.get("left_out", ())) or "none",
        "training nodules": f"{len(data['training'])} of {_n_patients(data['training'])} patients",
        "seed": str(config["seed"]),
        "calibrated and judged with": ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + f", Python {platform.python_version()}",
        "weights_sha256": "" if bundle is None else bundle.weights_sha256,
        "validated on": f"{counts.malignant + counts.benign} nodules of {counts.patients} patients ({counts.malignant} "
        f"malignant, {counts.benign} benign); {counts.undecided} undecided ones are not scored",
        "label": report.context.label,
    }
    facts |= {f"auc {name}": str(score.auc) for name, score in report.scores.items()}
    facts |= {
        f"auc {name} less diameter": str(score.minus_diameter)
        for name, score in report.scores.items()
        if name in (NETWORK, DIAMETER_BOX)
    }
    facts["intervals"] = f"95 %, bootstrap of patients, {report.context.n_resamples} samples"
    facts["bias"] = (
        "the best epoch, the settings and the calibration were chosen on these same patients: expect less on new ones; "
        "docs/records/benchmark.md tests networks trained alike on patients that their training never saw"
    )
    return facts


def _n_patients(items: list[Mapping[str, Any]]) -> int:
    return len({item["patient_id"] for item in items})


def _best_epoch(log: Path) -> str:
    """Return the first epoch with the best validation AUC."""
    lines = [line.split() for line in log.read_text().splitlines()[1:]]
    return max(lines, key=lambda parts: float(parts[2]))[0] + f" of {len(lines)}"


if __name__ == "__main__":
    main()
