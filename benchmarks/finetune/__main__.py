"""Runs the study from where it was broken off: python -m benchmarks.finetune --crops FOLDER -o OUT."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path

import torch

from benchmarks.federated.makers import MAKERS
from benchmarks.federated.views import draw_views
from benchmarks.places import BUNDLE, data_dir
from nodulus.pipeline.data.data_list import DataList, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.files import write_text

from .hospital import hospital
from .page import RECORD, write_page
from .study import Setting, all_learn, last_stages, run_seed


def main(arguments: list[str] | None = None) -> None:
    """Train, score and tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetune", description=__doc__)
    parser.add_argument("--crops", type=Path, default=data_dir() / "lidc_nodules")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/finetune"))
    parser.add_argument("--hospital", choices=list(MAKERS), default="ge", help="only GE has 200 nodules to train on")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--seeds", type=int, default=3, help="each tests another third of the patients; 3 test all")
    parser.add_argument("--epochs", type=int, nargs=2, default=[20, 20], help="elsewhere, and at the hospital")
    parser.add_argument("--tuning-rate", type=float, default=3e-4)
    parser.add_argument("--bfloat16", action="store_true", help="train in bfloat16, fast where the CPU can multiply it")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--page", action="store_true", help="write the page of the record alone")
    options = parser.parse_args(arguments)
    if not options.page:
        logging.disable(logging.INFO)  # MONAI's algorithm tells of every step
        RECORD.parent.mkdir(exist_ok=True)
        write_text(RECORD, json.dumps(_measure(options), indent=1) + "\n")
    write_page(json.loads(RECORD.read_text(encoding="utf-8")))


def _measure(options: argparse.Namespace) -> dict[str, object]:
    """Return the record: how it was done, and what each arm said of each test nodule."""
    out = options.output / options.hospital
    out.mkdir(parents=True, exist_ok=True)
    write_data_list(DataList(training=tuple(read_crops(options.crops, out))), out / "everything.json")
    views = draw_views(out / "everything.json", options.bundle, options.output / "views.pt")
    stage = last_stages(options.bundle)
    setting = Setting(options.bundle, views, tuple(options.epochs), options.tuning_rate, stage, options.bfloat16)
    seeds = []
    for seed in range(options.seeds):
        started = time.perf_counter()
        folder = out / f"seed{seed}"
        folder.mkdir(exist_ok=True)
        found = hospital(options.crops, folder, options.hospital, seed)
        decided = [item for item in found.test if item.label is not None]
        said = run_seed(found, options.sizes, seed, folder, setting)
        seeds.append(
            {
                "patients": [item.patient_id for item in decided],
                "nodules": [item.nodule_id for item in decided],
                "labels": [item.label for item in decided],
                "margins": {arm: [round(value, 4) for value in values] for arm, values in said.items()},
            }
        )
        sys.stderr.write(f"seed {seed}: {time.perf_counter() - started:.0f} s\n")
    network = json.loads((options.bundle / "configs" / "train.json").read_text(encoding="utf-8"))["network_def"]
    network |= {"_target_": all_learn(options.bundle)["network_def::_target_"]}
    return {
        "hospital": options.hospital,
        "sizes": options.sizes,
        "epochs": options.epochs,
        "tuning_rate": options.tuning_rate,
        "bfloat16": options.bfloat16,
        "freeze_until": stage,
        "network": json.dumps({key: network[key] for key in network if key in ("_target_", "block", "layers")}),
        "torch": torch.__version__,
        "seeds": seeds,
    }


if __name__ == "__main__":
    main()
