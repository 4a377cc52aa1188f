"""Variants, folds and seeds trained side by side on one device; each leaves a line of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import multiprocessing

from .finetune import Variant, train
from .views import Crops, Draw, Grid

BASE = Variant()
VARIANTS = {
    "pretrained": BASE,
    "random_start": replace(BASE, taken=()),
    "norms_kept": replace(BASE, is_norm_frozen=True),
    "faster": replace(BASE, start_rate=3e-4),
    "slower": replace(BASE, start_rate=3e-5),
    "stages_3_4": replace(BASE, blocks=(3, 4, 1, 1), taken=(3, 4, 0)),
    "stages_3_4_norms_kept": replace(BASE, blocks=(3, 4, 1, 1), taken=(3, 4, 0), is_norm_frozen=True),
    "stages_3_2": replace(BASE, blocks=(3, 2, 1, 1), taken=(3, 2, 0), planes=(64, 128, 128, 64)),
    "longer": replace(BASE, epochs=32),
    "batch_32": replace(BASE, batch_size=32, epochs=24),
    "stem_kept": replace(BASE, n_frozen=2),
    "more_shift": replace(BASE, draw=Draw(shift_mm=2.0, tilt_rad=0.3, scale=0.15)),
    "less_zoom": replace(BASE, grid=Grid((49, 49, 25), (0.7, 0.7, 1.4))),
    "narrow_window": replace(BASE, grid=Grid(window_hu=(-1000.0, 400.0))),
}


@dataclass(frozen=True)
class Places:
    """Where the packed crops and the start weights lie, and where lines of JSON go."""

    crops: Path
    start: Path
    out: Path


def explore(places: Places, jobs: Sequence[str], processes: int, seconds: float) -> None:
    """Train each job, ``VARIANT:FOLD:SEED``, several at a time; begin none after some seconds."""
    context: Any = multiprocessing.get_context("spawn")
    waiting = context.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    workers = [
        context.Process(target=_work, args=(places, rank, time.time() + seconds, waiting)) for rank in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _work(places: Places, rank: int, stop: float, waiting: Any) -> None:  # noqa: ANN401 - a queue of torch's
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    crops, start, labels, validates = _read(places, device)
    while not waiting.empty() and time.time() < stop:
        name, fold, seed = waiting.get().split(":")
        began = time.time()
        judged, training = np.flatnonzero(validates[int(fold)]), np.flatnonzero(~validates[int(fold)])
        aucs = train(VARIANTS[name], start, crops, training, judged, labels[judged], int(seed))
        line = {"variant": name, "fold": int(fold), "seed": int(seed), "aucs": [round(auc, 4) for auc in aucs]}
        line |= {"seconds": round(time.time() - began, 1), "settings": asdict(VARIANTS[name])}
        with (places.out / f"explore_{rank}.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")


def _read(places: Places, device: str) -> tuple[Crops, dict[str, torch.Tensor], NDArray[np.int64], NDArray[np.bool_]]:
    start = torch.load(places.start, weights_only=True)
    start = {name: value.float() if value.is_floating_point() else value for name, value in start.items()}
    with np.load(places.crops) as held:
        return Crops.read(str(places.crops), device), start, held["labels"], held["validates"]
