"""Which nodules train, validate and test a network: MONAI (decathlon) data lists, written and read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from nodulus.pipeline.files import write_text
from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.records import Record
from nodulus.transforms.geometry import BoxCorners

from .list_checks import check_list
from .patient_ids import patient_key

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")


class DataListItem(Record, extra="allow"):
    """One nodule of a data list. Further keys are kept.

    Args:
        image: path of the scan or crop, relative to the list's folder.
        nodule_id: the nodule's name, once in a split.
        patient_id: the patient's name; blanks around it and its case do not count.
        center_lps_mm: the nodule's centre, LPS mm.
        diameter_mm: the nodule's longest diameter.
        box_lps_mm: the nodule's box, LPS mm: low x, y, z, then high x, y, z.
        label: 0 benign, 1 malignant, None undecided.
        ratings: each reader's malignancy, 1 (highly unlikely) to 5 (highly suspicious).
        characteristics: each reader's rating of a characteristic, by its name in ``characteristics.CHARACTERISTICS``.
    """

    image: str = Field(pattern=r"^[^\x00]+$")  # a path holds no zero byte
    nodule_id: str = Field(min_length=1)
    patient_id: str = Field(min_length=1)
    center_lps_mm: tuple[float, float, float]
    diameter_mm: float = Field(gt=0)
    box_lps_mm: BoxCorners | None = None
    label: Literal[0, 1] | None = None
    ratings: tuple[int, ...] | None = None
    characteristics: Mapping[str, tuple[int, ...]] | None = None

    @model_validator(mode="after")
    def _check(self) -> DataListItem:
        if not self.patient_id.strip():
            msg = f"expected a patient_id, got {self.patient_id!r}"
            raise ValueError(msg)
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


class DataList(Record, extra="allow"):
    """A data list: its items by split, and the SHA-256 that names its content."""

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


def write_data_list(data: DataList, path: Path) -> None:
    """Write a data list as JSON, whole or not at all."""
    write_text(path, data.model_dump_json(indent=1) + "\n")


@dataclass(frozen=True, eq=False)
class DataListFile(os.PathLike[str]):
    """A data list that was read: whoever needs it is given this, so that a command parses it once.

    It is a path as well, so that a bundle's config, which knows the list by its path, takes it as it is.

    Args:
        path: of the file.
        data: what it holds, checked.
    """

    path: Path
    data: DataList

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> DataListFile:
        """Return the data list of a JSON file; one that was read already, as it is.

        Raises:
            UsageError: see `read_data_list`.
        """
        return path if isinstance(path, DataListFile) else cls(Path(path), read_data_list(Path(path)))

    def __fspath__(self) -> str:
        """Return the path of the file."""
        return str(self.path)

    def __str__(self) -> str:
        """Return the path of the file."""
        return str(self.path)

    @property
    def folder(self) -> Path:
        """Return the folder that image paths are relative to."""
        return self.path.parent

    @cached_property
    def data_hash(self) -> str:
        """Return the hash of the content, whatever the list says of itself: it may have been edited since."""
        return hash_data(self.data)

    @property
    def label_meaning(self) -> str:
        """Return what the labels mean, as the list's head says under ``label_meaning``, or that it does not."""
        stated = (self.data.model_extra or {}).get("label_meaning")
        return str(stated) if stated else f"labels of {self.path.name}, whose meaning it does not state (label_meaning)"

    def items(self, split: Split) -> tuple[DataListItem, ...]:
        """Return the items of a split."""
        items: tuple[DataListItem, ...] = getattr(self.data, split)
        return items


def read_data_list(path: Path) -> DataList:
    """Return the checked data list of a JSON file; each patient's id is spelled in one way, that of its first item.

    Raises:
        UsageError: the file is missing or no data list, an item is bad, a patient stands in two splits, a nodule_id
            twice in one, or an image belongs to two patients.
    """
    data = read_json_as(DataList, path, "a data list", named_by="nodule_id")
    check_list(data, path)
    return _with_one_spelling(data)


def _with_one_spelling(data: DataList) -> DataList:
    """Return the list with each patient's id as it is first written: what counts by patient compares ids."""
    written: dict[str, str] = {}

    def spelled(item: DataListItem) -> DataListItem:
        patient_id = written.setdefault(patient_key(item.patient_id), item.patient_id.strip())
        return item if patient_id == item.patient_id else item.model_copy(update={"patient_id": patient_id})

    return data.model_copy(update={split: tuple(map(spelled, getattr(data, split))) for split in SPLITS})
