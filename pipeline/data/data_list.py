"""Which nodules train, validate and test a network: MONAI (decathlon) data lists, written and read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nodulus.pipeline.files import write_text
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS, mean_fraction
from nodulus.transforms.problems import UsageError

Split = Literal["training", "validation", "test"]
Boxes = Literal["own", "diameter", "both"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")


class DataListItem(BaseModel):
    """One nodule of a data list. Further keys are kept.

    Args:
        image: path of the scan or crop, relative to the list's folder.
        center_lps_mm: the nodule's centre, LPS mm.
        box_lps_mm: the nodule's box, LPS mm: low x, y, z, then high x, y, z.
        label: 0 benign, 1 malignant, None undecided.
        ratings: each reader's malignancy, 1 (highly unlikely) to 5 (highly suspicious).
        characteristics: each reader's rating of a characteristic, by its name in ``characteristics.CHARACTERISTICS``.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    image: str = Field(min_length=1)
    nodule_id: str = Field(min_length=1)
    patient_id: str = Field(min_length=1)
    center_lps_mm: tuple[float, float, float]
    diameter_mm: float = Field(gt=0)
    box_lps_mm: tuple[float, float, float, float, float, float] | None = None
    label: Literal[0, 1] | None = None
    ratings: tuple[int, ...] | None = None
    characteristics: Mapping[str, tuple[int, ...]] | None = None

    @model_validator(mode="after")
    def _check(self) -> DataListItem:
        box = self.box_lps_mm
        if box is not None and any(low > high for low, high in zip(box[:3], box[3:], strict=True)):
            msg = f"expected box_lps_mm as low x, y, z, high x, y, z, got {list(box)}"
            raise ValueError(msg)
        if self.ratings is not None and not (self.ratings and all(1 <= rating <= 5 for rating in self.ratings)):
            msg = f"expected ratings from 1 to 5, got {list(self.ratings)}"
            raise ValueError(msg)
        for name, ratings in (self.characteristics or {}).items():
            _check_scale(name, ratings)
        return self


def _check_scale(name: str, ratings: Sequence[int]) -> None:
    scale = CHARACTERISTICS.get(name)
    if scale is None:
        msg = f"expected characteristics of {', '.join(CHARACTERISTICS)}, got {name!r}"
        raise ValueError(msg)
    if not all(scale.low <= rating <= scale.high for rating in ratings):
        msg = f"expected {name} from {scale.low} to {scale.high}, got {list(ratings)}"
        raise ValueError(msg)


class DataList(BaseModel):
    """A data list: its items by split, and the SHA-256 that names its content."""

    model_config = ConfigDict(extra="allow", frozen=True)

    training: tuple[DataListItem, ...] = ()
    validation: tuple[DataListItem, ...] = ()
    test: tuple[DataListItem, ...] = ()
    data_hash: str | None = None

    def items(self) -> Iterator[tuple[Split, DataListItem]]:
        """Yield every item with its split."""
        for split in SPLITS:
            for item in getattr(self, split):
                yield split, item


def hash_data(data: DataList) -> str:
    """Return the SHA-256 of all items by split; it does not depend on where the list and its images lie."""
    content = [[split, item.model_dump(mode="json", exclude={"image"})] for split, item in data.items()]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def meaning_of_labels(data: DataList, path: Path) -> str:
    """Return what the labels of a list mean, as its head says under ``label_meaning``, or that it does not."""
    stated = (data.model_extra or {}).get("label_meaning")
    return str(stated) if stated else f"labels of {path.name}, whose meaning it does not state (label_meaning)"


def write_data_list(data: DataList, path: Path) -> None:
    """Write a data list as JSON, whole or not at all."""
    write_text(path, data.model_dump_json(indent=1) + "\n")


def read_data_list(path: Path) -> DataList:
    """Return the checked data list of a JSON file.

    Raises:
        UsageError: the file is missing or no data list, an item is bad, a patient stands in two splits, or a nodule_id
            twice in one.
    """
    try:
        content = json.loads(Path(path).read_text())
        data = DataList.model_validate(content)
    except FileNotFoundError:
        raise UsageError(f"Expected a data list, found no file {path}") from None
    except ValidationError as error:
        raise UsageError(f"Expected a data list in {path}, got {_first_problem(error, content)}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"Expected a data list in JSON in {path}, got: {error}") from error
    _check_patients(data, path)
    _check_names(data, path)
    return data


def load_data_list(
    path: str | Path,
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
        path: the data list, JSON.
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
    path = Path(path)
    data = read_data_list(path)
    if split not in SPLITS:
        raise UsageError(f"Expected a split of {', '.join(SPLITS)}, got {split!r}")
    items = [item for item in getattr(data, split) if not (only_labelled and item.label is None)]
    if both_classes and items:
        _check_classes(items, split, path)
    loaded = [_as_dictionary(item, path.parent) for item in items]
    if rating_chances is not None:
        loaded = [item | {"label": _targets(item, rating_chances)} for item in loaded if _is_informed(item)]
    elif undecided is not None:
        loaded = [item | {"label": undecided} if item["label"] is None else item for item in loaded]
    if not loaded:
        raise UsageError(f"Expected nodules in the {split} split of {path}, got none")
    return [_with_box(item, kind) for item in loaded for kind in (("own", "diameter") if boxes == "both" else (boxes,))]


def _check_classes(items: Sequence[DataListItem], split: Split, path: Path) -> None:
    found = {item.label for item in items if item.label is not None}
    if found != {0, 1}:
        raise UsageError(
            f"Expected nodules of both labels, 0 and 1, in the {split} split of {path}, got {sorted(found) or 'none'}"
        )


def _first_problem(error: ValidationError, content: object) -> str:
    """Return the first problem of a list in one line: split, nodule and key by name."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    place = first["loc"]
    where = ".".join(str(part) for part in place)
    if isinstance(content, dict) and len(place) > 1 and isinstance(place[1], int):
        item = content[place[0]][place[1]]
        name = item.get("nodule_id") if isinstance(item, dict) else None
        where = " ".join(str(part) for part in (place[0], "item", place[1], f"({name})", *place[2:]))
    return f"{where}: {message}"


def _check_patients(data: DataList, path: Path) -> None:
    """Refuse a list in which a patient stands in two splits."""
    split_of: dict[str, Split] = {}
    for split, item in data.items():
        first = split_of.setdefault(item.patient_id, split)
        if first != split:
            raise UsageError(
                f"Expected each patient in one split, got {item.patient_id} in {first} and {split} of {path}"
            )


def _check_names(data: DataList, path: Path) -> None:
    """Refuse a split in which two nodules have one name, be it in two patients: what is said of them goes by it."""
    for split in SPLITS:
        count = Counter(item.nodule_id for item in getattr(data, split))
        if twice := [name for name, n in count.items() if n > 1]:
            raise UsageError(f"Expected each nodule_id once in the {split} split of {path}, got {twice[0]!r} again")


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
