"""Puts the weights of a training run into the bundle, with the record of how they were made and what they are worth.

python benchmarks/ship_weights.py --run OUT --data LIST.json --command "python -m monai.bundle run ..."
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

from nodulus.pipeline.atomic_write import write_text
from nodulus.pipeline.metrics import Estimate
from nodulus.pipeline.train import evaluate

BUNDLE = Path(__file__).parent.parent / "bundles" / "lung_nodule_ct_classification"
PACKAGES = ("monai", "torch", "pytorch-ignite", "numpy", "scikit-learn")


def main() -> None:
    """Copy model.pt and training_log.txt of a run into the bundle, evaluate them there and write training.txt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="output_dir of the training")
    parser.add_argument("--data", type=Path, required=True, help="the data list it was trained on")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--command", required=True, help="the command that trained them, with general paths")
    arguments = parser.parse_args()
    models = arguments.bundle / "models"
    for name in ("model.pt", "training_log.txt"):
        shutil.copyfile(arguments.run / name, models / name)
    with tempfile.TemporaryDirectory() as folder:
        report = json.loads(evaluate(arguments.data, Path(folder), arguments.bundle).read_text())
    config = json.loads((arguments.bundle / "configs" / "train.json").read_text())
    facts = describe(report, json.loads(arguments.data.read_text()), config, arguments.command)
    facts["best epoch"] = _best_epoch(models / "training_log.txt")
    write_text(models / "training.txt", "".join(f"{key}: {value}\n" for key, value in facts.items()))


def describe(
    report: Mapping[str, Any], data: Mapping[str, Any], config: Mapping[str, Any], command: str
) -> dict[str, str]:
    """Return what the weights were made from and what they are worth, by name."""
    facts = {
        "prepared by": f"nodulus prepare lidc --crops lidc_nodules -o LIST.json (folds {data['folds']}, fold "
        f"{data['fold']}, seed {data['seed']})",
        "trained by": command,
        "data": f"{data['name']}, {data['licence']}",
        "data_hash": report["data_hash"],
        "training nodules": f"{len(data['training'])} of {_n_patients(data['training'])} patients",
        "seed": str(config["seed"]),
        "versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES) + f", Python {platform.python_version()}",
        "weights_sha256": report["weights_sha256"],
        "validated on": "{nodules} nodules of {patients} patients ({malignant} malignant, {benign} benign)".format(
            **report["counts"]
        )
        + f"; {report['undecided_not_scored']} undecided ones are not scored",
        "label": report["label"],
    }
    facts |= {f"auc {name}": _text(estimate) for name, estimate in report["auc"].items()}
    facts |= {f"auc {name} less diameter": _text(estimate) for name, estimate in report["difference"].items()}
    facts["intervals"] = f"95 %, bootstrap of patients, {report['n_resamples']} samples"
    facts["bias"] = "the best epoch and the settings were chosen on these same patients: expect less on new ones"
    return facts


def _n_patients(items: list[Mapping[str, Any]]) -> int:
    return len({item["patient_id"] for item in items})


def _text(estimate: Mapping[str, float]) -> str:
    return str(Estimate(**estimate))


def _best_epoch(log: Path) -> str:
    """Return the first epoch with the best validation AUC."""
    lines = [line.split() for line in log.read_text().splitlines()[1:]]
    return max(lines, key=lambda parts: float(parts[2]))[0] + f" of {len(lines)}"


if __name__ == "__main__":
    main()
