"""The nodules at hand with their readers, and the out-of-fold scores that are kept of some of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.lidc.folds import FoldKey, median_label
from benchmarks.lidc.scores import ENSEMBLE, NETWORK
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.transforms.problems import UsageError


@dataclass(frozen=True)
class Scored:
    """Nodules, and what the network says of those that the published folds test.

    Args:
        items: all nodules at hand.
        tested: the places of those with a score.
        scores: probability of malignancy, (n_repeats, n_items); NaN where there is none.
        folds: by repeat, the fold of each tested nodule by its name.
    """

    items: tuple[DataListItem, ...]
    tested: NDArray[np.intp]
    scores: NDArray[np.float64]
    folds: Mapping[int, Mapping[str, FoldKey]]

    @property
    def ratings(self) -> list[tuple[int, ...]]:
        """Return each nodule's ratings of malignancy."""
        return [item.ratings or () for item in self.items]

    @property
    def labels(self) -> list[int | None]:
        """Return each nodule's label: median of its ratings above 3, below 3, or None."""
        return [median_label(item.ratings or (3,)) for item in self.items]

    @property
    def patients(self) -> list[str]:
        """Return the patient of each nodule."""
        return [item.patient_id for item in self.items]

    @property
    def logits(self) -> NDArray[np.float64]:
        """Return the mean over repeats of the score's logit."""
        # Six digits are kept of a score: the surest stand at 0 and 1.
        certain = np.clip(self.scores, 1e-6, 1 - 1e-6)
        return np.asarray(np.log(certain / (1 - certain)).mean(axis=0))


def read_scored(items: tuple[DataListItem, ...], table: Path) -> Scored:
    """Return nodules with the scores of a table as ``benchmarks.lidc`` writes it; of several seeds, of their mean.

    Raises:
        UsageError: the table is missing, or names a nodule that is not at hand, has another label, or lacks a repeat.
    """
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise UsageError(f"Expected out-of-fold scores, got {error.strerror or error} at {table}") from error
    place = {item.nodule_id: index for index, item in enumerate(items)}
    repeats = sorted({int(row["rep"]) for row in rows})
    scores = np.full((len(repeats), len(items)), np.nan)
    folds: dict[int, dict[str, FoldKey]] = {repeat: {} for repeat in repeats}
    for row in rows:
        name, repeat = row["nodule_id"], int(row["rep"])
        if name not in place or median_label(items[place[name]].ratings or (3,)) != int(row["label"]):
            raise UsageError(f"Expected the nodules and labels of the crops in {table}, got another {name}")
        scores[repeats.index(repeat), place[name]] = float(row.get(ENSEMBLE) or row[NETWORK])
        folds[repeat][name] = FoldKey(repeat, int(row["fold"]))
    is_tested = ~np.isnan(scores)
    if (partly := np.flatnonzero(is_tested.any(axis=0) & ~is_tested.all(axis=0))).size:
        raise UsageError(f"Expected each nodule in all repeats of {table}, got {items[partly[0]].nodule_id} in some")
    return Scored(items, np.flatnonzero(is_tested.all(axis=0)), scores, folds)
