"""Keeps views and trains late stages in several processes of a thread each; what is there is not done again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from nodulus.pipeline.data.data_list import DataList, DataListFile, read_data_list, write_data_list
from nodulus.pipeline.data.lidc import read_crops
from nodulus.pipeline.files import replacing_file

from .kept import Kept, keep, keep_view
from .late import Setting, late_margins, late_weights
from .study import Fold, Margins

EVERYTHING, KEPT = "everything.json", "kept"


@dataclass(frozen=True)
class Run:
    """What all networks of a run share.

    Args:
        out: the folder of the run.
        setting: of the training.
        n_views: that are drawn of each nodule, once for all networks.
    """

    out: Path
    setting: Setting
    n_views: int

    @property
    def everything(self) -> Path:
        """Return the data list of all nodules."""
        return self.out / EVERYTHING

    @property
    def kept_in(self) -> Path:
        """Return the folder of what the first stages say."""
        return self.out / KEPT

    def kept(self) -> Kept:
        """Return what the first stages say; each process reads it for itself, as memory maps do not travel."""
        return keep(DataListFile.read(self.everything), self.setting.bundle, self.n_views, self.kept_in)

    def late(self, fold: Fold, seed: int) -> Margins:
        """Return what late stages say that were trained on a fold, training them unless they were."""
        folder = self.out / f"epochs{self.setting.epochs}_views{self.n_views}" / fold.name / f"seed{seed}"
        path = folder / "margins.npy"
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            # The images' paths are relative to the folder of the run.
            data_list = self.out / f"{fold.name}.json"
            every = {item.nodule_id: item for item in read_data_list(self.everything).training}
            write_data_list(DataList(training=tuple(every[each.nodule_id] for each in fold.data.training)), data_list)
            kept = self.kept()
            weights = late_weights(data_list, kept, self.setting, seed, folder)
            found = late_margins(weights, kept, self.setting.bundle)
            with replacing_file(path) as temporary, temporary.open("wb") as opened:
                np.save(opened, found)
        return np.asarray(np.load(path), dtype=np.float64)


def write_everything(crops: Path, out: Path) -> None:
    """Write the list of all nodules of a folder of crops, unless it is there."""
    if not (out / EVERYTHING).is_file():
        out.mkdir(parents=True, exist_ok=True)
        write_data_list(DataList(training=tuple(read_crops(crops, out))), out / EVERYTHING)


def keep_all(run: Run, jobs: int) -> None:
    """Keep all views of all nodules."""
    with _pool(jobs) as pool:
        _wait(pool.submit(_keep, run, number) for number in range(run.n_views + 1))


def train_all(run: Run, pairs: Iterable[tuple[Fold, int]], jobs: int) -> None:
    """Train late stages for pairs of a fold and a seed."""
    with _pool(jobs) as pool:
        _wait(pool.submit(run.late, fold, seed) for fold, seed in pairs)


def _keep(run: Run, number: int) -> None:
    keep_view(DataListFile.read(run.everything), run.setting.bundle, number, run.kept_in)


def _wait(given: Iterable[Future[object]]) -> None:
    for one in list(given):
        one.result()


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_be_one_of_many)


def _be_one_of_many() -> None:
    torch.set_num_threads(1)
    logging.disable(logging.INFO)  # MONAI's algorithm tells of every step
