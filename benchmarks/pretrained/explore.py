"""Variants, folds and seeds trained side by side on one GPU; a line of JSON each."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import multiprocessing

from .finetune import Variant, auc_of, make_network, train
from .frozen import middle_features, ridge_scores
from .views import Crops, Draw, Grid

BASE = Variant()
ISOTROPIC = Grid((49, 49, 49), (0.65, 0.65, 0.65))
VARIANTS = {
    "smoke": replace(BASE, blocks=(1, 1, 1, 1), taken=(1, 1, 1), epochs=1, batch_size=4, grid=Grid((33, 33, 17))),
    "pretrained": BASE,
    "random_start": replace(BASE, taken=()),
    "norms_kept": replace(BASE, is_norm_frozen=True),
    "faster": replace(BASE, start_rate=3e-4),
    "slower": replace(BASE, start_rate=3e-5),
    "stages_3_4": replace(BASE, blocks=(3, 4, 1, 1), taken=(3, 4, 0)),
    "stages_3_2": replace(BASE, blocks=(3, 2, 1, 1), taken=(3, 2, 0), planes=(64, 128, 128, 64)),
    "layer3_2": replace(BASE, blocks=(3, 8, 2, 1), taken=(3, 8, 2)),
    "longer": replace(BASE, epochs=32),
    "batch_32": replace(BASE, batch_size=32, epochs=24),
    "stem_kept": replace(BASE, n_frozen=2),
    "more_shift": replace(BASE, draw=Draw(shift_mm=2.0, tilt_rad=0.3, scale=0.15)),
    "less_zoom": replace(BASE, grid=Grid((49, 49, 25), (0.7, 0.7, 1.4))),
    "narrow_window": replace(BASE, grid=Grid(window_hu=(-1000.0, 400.0))),
}


def main() -> int:
    """Train what the command line names: DATA START OUT SECONDS PROCESSES then VARIANT:FOLD:SEED ..."""
    data, start, out, seconds, processes, *names = sys.argv[1:]
    jobs = multiprocessing.get_context("spawn").SimpleQueue()
    for name in names:
        jobs.put(name)
    stop = time.time() + float(seconds)
    context = multiprocessing.spawn(
        _work, (data, start, out, stop, jobs), nprocs=int(processes), join=False, start_method="spawn"
    )
    while not context.join():
        pass
    return 0


def _work(rank: int, data: str, start_path: str, out: str, stop: float, jobs: multiprocessing.SimpleQueue) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    torch.set_num_threads(2)
    crops = Crops.read(data, device)
    start = torch.load(start_path, weights_only=True)
    start = {name: value.float() if value.is_floating_point() else value for name, value in start.items()}
    with np.load(data) as held:
        labels, validates = held["labels"], held["validates"]
    if rank == 0:
        _say_frozen(start, crops, labels, validates)
    while not jobs.empty() and time.time() < stop:
        job = jobs.get()
        name, fold, seed = job.split(":")
        began = time.time()
        judged, training = np.flatnonzero(validates[int(fold)]), np.flatnonzero(~validates[int(fold)])
        variant = VARIANTS[name]
        _, aucs, chances = train(variant, start, crops, training, judged, labels[judged], int(seed))
        line = {"variant": name, "fold": int(fold), "seed": int(seed), "aucs": [round(auc, 4) for auc in aucs]}
        line |= {"seconds": round(time.time() - began, 1), "chances": np.round(chances, 4).tolist()}
        line |= {"settings": asdict(variant)}
        with Path(out, f"explore_{rank}.jsonl").open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        print(rank, job, f"{line['seconds']} s", line["aucs"], flush=True)  # noqa: T201 - progress


def _say_frozen(
    start: dict[str, torch.Tensor], crops: Crops, labels: NDArray[np.int64], validates: NDArray[np.bool_]
) -> None:
    network = make_network(BASE)
    network.load_state_dict(network.state_dict() | {name: start[name] for name in start if name in network.state_dict()})
    network = network.to(crops.voxels_hu.device)
    both = [middle_features(network, crops, box, BASE.grid) for box in (0, 1)]
    wanted = crops.targets[:, 1].cpu().numpy().astype(np.float64)
    for fold, held in enumerate(validates):
        judged, training = np.flatnonzero(held), np.flatnonzero(~held)
        scores = np.stack([ridge_scores(features, wanted, training, judged) for features in both], axis=1)
        print("frozen", fold, round(auc_of(scores, labels[judged]), 4), flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    raise SystemExit(main())
