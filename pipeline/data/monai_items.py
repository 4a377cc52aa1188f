"""The items of a data list as MONAI datasets take them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, mean_fraction
from nodulus.transforms.problems import UsageError

from .data_list import SPLITS, DataListFile, DataListItem, Split

Boxes = Literal["own", "diameter", "both"]


def load_data_list(
    path: str | os.PathLike[str],
    split: Split,
    *,
    boxes: Boxes = "own",
    only_labelled: bool = False,
    both_classes: bool = False,
    rating_chances: Sequence[float] | None = None,
    undecided: int | None = None,
) -> list[dict[str, Any]]:
    """Return the items of one split as dictionaries for a MONAI dataset, image paths resolved.

    Args:
        path: the data list, JSON, or one that was read (`DataListFile`).
        split: training, validation or test.
        boxes: which box the patch transforms will find: the nodule's own; none, so that the diameter implies it;
            or both, each nodule then standing twice in the list. The key ``box`` names it.
        only_labelled: leave out nodules whose label is None.
        both_classes: refuse a split whose labels are not 0 and 1, both present: no AUC can be told from it.
        rating_chances: chance of malignancy that each rating 1..5 stands for. When given, ``label`` becomes what the
            network's outputs are to be, float32 (10,) in the order of ``characteristics.OUTPUTS``: the chances of the
            two classes, averaged over the readers (a nodule without ratings keeps its label's, and one with neither is
            left out), then each characteristic's mean rating as a fraction of its scale, NaN where it was not rated.
        undecided: what ``label`` becomes where it is None and no rating chances are given, so that batches can hold it.

    Raises:
        UsageError: the list is bad (see ``read_data_list``), the split is empty or lacks a class,
            or an image is missing.
    """
    data_list = DataListFile.read(path)
    if split not in SPLITS:
        raise UsageError(f"Expected a split of {', '.join(SPLITS)}, got {split!r}")
    items = [item for item in data_list.items(split) if not (only_labelled and item.label is None)]
    if both_classes and items:
        _check_classes(items, split, data_list.path)
    loaded = [_as_dictionary(item, data_list.folder) for item in items]
    if rating_chances is not None:
        loaded = [item | {"label": _targets(item, rating_chances)} for item in loaded if _is_informed(item)]
    elif undecided is not None:
        loaded = [item | {"label": undecided} if item["label"] is None else item for item in loaded]
    if not loaded:
        raise UsageError(f"Expected nodules in the {split} split of {data_list}, got none")
    return [_with_box(item, kind) for item in loaded for kind in (("own", "diameter") if boxes == "both" else (boxes,))]


def _check_classes(items: Sequence[DataListItem], split: Split, path: Path) -> None:
    found = {item.label for item in items if item.label is not None}
    if found != {0, 1}:
        raise UsageError(
            f"Expected nodules of both labels, 0 and 1, in the {split} split of {path}, got {sorted(found) or 'none'}"
        )


def _as_dictionary(item: DataListItem, folder: Path) -> dict[str, Any]:
    image = folder / item.image
    if not image.exists():
        raise UsageError(f"Expected the image of nodule {item.nodule_id}, found no {image}")
    return item.model_dump() | {"image": str(image)}


def _is_informed(item: dict[str, Any]) -> bool:
    return item["ratings"] is not None or item["label"] is not None


def _targets(item: dict[str, Any], rating_chances: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return what the network should say of a nodule, (10,): chances of the two classes, fractions of the scales."""
    if len(rating_chances) != 5:
        raise UsageError(f"Expected five rating chances, for the ratings 1 to 5, got {list(rating_chances)}")
    ratings = item["ratings"]
    malignant = item["label"] if ratings is None else float(np.mean([rating_chances[r - 1] for r in ratings]))
    rated = item.get("characteristics") or {}
    fractions = [mean_fraction(name, rated[name]) if rated.get(name) else np.nan for name in CHARACTERISTICS]
    return np.asarray([1 - malignant, malignant, *fractions], dtype=np.float32)


def _with_box(item: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the item with the box of a kind: a diameter box is no box at all, so that the transforms derive it."""
    return item | {"box": kind, "box_lps_mm": item["box_lps_mm"] if kind == "own" else None}
