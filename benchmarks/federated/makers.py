"""Hospitals in simulation: the LIDC-IDRI nodules by the maker of the scanner, with patients to train and to test."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from nodulus.pipeline.data.data_list import DataList, DataListItem, hash_data, write_data_list
from nodulus.pipeline.data.folds import validation_mask
from nodulus.pipeline.data.lidc import LABEL_MEANING, read_crops

MAKERS = {"ge": "GE MEDICAL SYSTEMS", "siemens": "SIEMENS", "philips": "Philips"}
TEST_FOLDS, CALIBRATION_FOLDS = 3, 6


def hospitals(crops: Path, relative_to: Path, fold: int) -> dict[str, DataList]:
    """Return each maker's patients, divided: a third tests, a sixth of the rest calibrates, the others train.

    A patient scanned by two makers would be two hospitals' and is left out. TOSHIBA's few are no hospital.

    Args:
        crops: folder of the LIDC-IDRI crops.
        relative_to: where the lists will lie.
        fold: which third tests, from 0.
    """
    items = read_crops(crops, relative_to)
    makers_of: dict[str, set[str]] = {}
    for item in items:
        makers_of.setdefault(item.patient_id, set()).add((item.model_extra or {})["manufacturer"])
    return {
        name: _divided([item for item in items if makers_of[item.patient_id] == {maker}], fold)
        for name, maker in MAKERS.items()
    }


def pooled(parts: Sequence[DataList]) -> DataList:
    """Return the lists as one."""
    return _named(
        DataList(
            training=tuple(item for part in parts for item in part.training),
            validation=tuple(item for part in parts for item in part.validation),
            test=tuple(item for part in parts for item in part.test),
        )
    )


def write_lists(lists: dict[str, DataList], folder: Path) -> dict[str, Path]:
    """Write a list a hospital; return their paths."""
    for name, content in lists.items():
        write_data_list(content, folder / f"{name}.json")
    return {name: folder / f"{name}.json" for name in lists}


def _divided(items: list[DataListItem], fold: int) -> DataList:
    with warnings.catch_warnings():
        # A small hospital has fewer nodules of some size and label than there are parts: they fall as they fall.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        tests = validation_mask(items, TEST_FOLDS, fold, seed=0)
        rest = [item for item, is_tested in zip(items, tests, strict=True) if not is_tested]
        calibrates = validation_mask(rest, CALIBRATION_FOLDS, 0, seed=0)
    return _named(
        DataList(
            training=tuple(item for item, chosen in zip(rest, calibrates, strict=True) if not chosen),
            validation=tuple(item for item, chosen in zip(rest, calibrates, strict=True) if chosen),
            test=tuple(item for item, chosen in zip(items, tests, strict=True) if chosen),
        )
    )


def _named(data: DataList) -> DataList:
    head = {"name": "LIDC-IDRI nodules of one maker", "label_meaning": LABEL_MEANING, "data_hash": hash_data(data)}
    return DataList.model_validate(head | dict(data))
