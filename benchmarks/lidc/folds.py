"""Which nodules test, train and validate in each fold of the published benchmark?"""

from __future__ import annotations

import csv
import os
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nodulus.pipeline.data.data_list import SPLITS, DataList, DataListItem, hash_data, read_data_list, write_data_list
from nodulus.pipeline.data.folds import validation_mask
from nodulus.pipeline.data.lidc import CROPS_MAY_BE, HELD_OUT, LABEL_MEANING, read_crops
from nodulus.pipeline.data.places import nodules_outside
from nodulus.transforms.problems import UsageError

PUBLISHED_TABLE = "published_scores.csv"
PUBLISHED = ("densenet121", "efficientnet_b0", "vit_small")
# One patient in six of those left validates: as many as a fold of five would be of all.
VALIDATION_PARTS = 6
VALIDATION_SEED = 0


class FoldKey(NamedTuple):
    """A repeat of the published division and one of its folds."""

    rep: int
    fold: int

    def __str__(self) -> str:
        return f"rep{self.rep}_fold{self.fold}"


@dataclass(frozen=True)
class Published:
    """What the published benchmark says of one nodule: its label (0 benign, 1 malignant) and scores by network."""

    label: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class PublishedFolds:
    """The published benchmark's test nodules that are at hand, by fold and name.

    Args:
        folds: by repeat and fold, then by nodule.
    """

    folds: Mapping[FoldKey, Mapping[str, Published]] = field(repr=False)

    def select(self, repeats: Sequence[int] = (), folds: Sequence[int] = ()) -> list[FoldKey]:
        """Return the folds at hand in order; of some repeats, or with some numbers, where these are named.

        Raises:
            UsageError: none is left.
        """
        chosen = [
            key
            for key in sorted(self.folds)
            if (not repeats or key.rep in repeats) and (not folds or key.fold in folds)
        ]
        if not chosen:
            at_hand = ", ".join(map(str, sorted(self.folds)))
            raise UsageError(f"Expected folds of {at_hand}, got repeats {list(repeats)} and folds {list(folds)}")
        return chosen


def read_published(crops: Path) -> PublishedFolds:
    """Return the published folds of a folder of crops, from its ``published_scores.csv``.

    Raises:
        UsageError: the table is missing, lacks a column, or a row of it is bad.
    """
    table = Path(crops) / PUBLISHED_TABLE
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise UsageError(f"Expected the published folds, got {error.strerror or error} at {table}") from error
    folds: dict[FoldKey, dict[str, Published]] = {}
    for line, row in enumerate(rows, start=2):
        try:
            key = FoldKey(int(row["rep"]), int(row["fold"]))
            scores = {name: float(row[name]) for name in PUBLISHED}
            folds.setdefault(key, {})[row["nodule_id"]] = Published(int(row["label"]), scores)
        except KeyError as error:
            raise UsageError(f"Expected a column {error} in {table}") from None
        except (TypeError, ValueError) as error:
            raise UsageError(f"Expected a published score in line {line} of {table}, got: {error}") from error
    return PublishedFolds(folds)


def write_fold(crops: Path, out: Path, key: FoldKey, published: PublishedFolds) -> DataList:
    """Write the data list of one published fold and return it.

    ``test`` holds the fold's nodules with their published labels (median rating above 3: malignant). All other nodules
    at hand of patients that have none in the fold train or validate, with the project's labels (mean rating), those
    that the published benchmark leaves out as undecided included; about one patient in six of them validates, balanced
    by label and size. The patients of the end-to-end tests never train, nor do nodules that lie outside their crops.

    Args:
        crops: folder of LIDC-IDRI crops.
        out: where the list is written; image paths in it are relative to its folder.
        key: the fold.
        published: the published folds.

    Raises:
        UsageError: a published nodule is not among the crops, or ``nodules.csv`` is bad.
    """
    items = read_crops(Path(crops), Path(out).parent)
    return write_split(items, out, key, published, nodules_outside(items, Path(out).parent, CROPS_MAY_BE))


def write_split(
    items: Sequence[DataListItem], out: Path, key: FoldKey, published: PublishedFolds, outside: Collection[str] = ()
) -> DataList:
    """Write the data list of one published fold from nodules already read, as ``write_fold`` does, and return it.

    ``outside`` names the nodules that lie outside their crops; they do not train.
    """
    labels = {name: nodule.label for name, nodule in published.folds[key].items()}
    if missing := sorted(set(labels) - {item.nodule_id for item in items}):
        raise UsageError(f"Expected the crops of all published nodules, found none of {missing[0]} of {key}")
    tested = [item for item in items if item.nodule_id in labels]
    not_trained = {item.patient_id for item in tested} | set(HELD_OUT)
    rest = [item for item in items if item.patient_id not in not_trained]
    validates = validation_mask(rest, VALIDATION_PARTS, 0, VALIDATION_SEED)
    placed = [(item, chosen) for item, chosen in zip(rest, validates, strict=True) if item.nodule_id not in outside]
    split = DataList(
        training=tuple(item for item, is_chosen in placed if not is_chosen),
        validation=tuple(item for item, is_chosen in placed if is_chosen),
        test=tuple(item.model_copy(update={"label": labels[item.nodule_id]}) for item in tested),
    )
    named = DataList.model_validate(_head(key) | dict(split) | {"data_hash": hash_data(split)})
    write_data_list(named, Path(out))
    return named


def point_to_crops(path: Path, crops: Path) -> None:
    """Let the images of a written data list be those of a folder of crops, where list or crops were moved since."""
    data = read_data_list(path)

    def moved(items: Sequence[DataListItem]) -> tuple[DataListItem, ...]:
        images = Path(os.path.relpath(Path(crops) / "images", path.parent)).as_posix()
        return tuple(item.model_copy(update={"image": f"{images}/{Path(item.image).name}"}) for item in items)

    if not all((path.parent / item.image).is_file() for _, item in data.items()):
        write_data_list(data.model_copy(update={split: moved(getattr(data, split)) for split in SPLITS}), path)


def median_label(ratings: Sequence[int]) -> int | None:
    """Return the published benchmark's label: 0 for a median rating below 3, 1 above 3, None at 3.

    >>> median_label([5, 4, 2]), median_label([1, 3]), median_label([2, 3, 5])
    (1, 0, None)
    """
    median = statistics.median(ratings)
    return None if median == 3 else int(median > 3)


def _head(key: FoldKey) -> dict[str, object]:
    return {
        "name": f"LIDC-IDRI nodules, published repeat {key.rep}, fold {key.fold}",
        "description": (
            "Test: label from the readers' median malignancy rating, 3 left out. Training and validation: from their "
            "mean rating (below 3: 0, above: 1, 3: null). Not pathology."
        ),
        "licence": "CC BY 3.0, doi:10.7937/K9/TCIA.2015.LO9QL9SX",
        "label_meaning": LABEL_MEANING,
        "labels": {"0": "benign", "1": "malignant"},
        "rep": key.rep,
        "fold": key.fold,
    }
