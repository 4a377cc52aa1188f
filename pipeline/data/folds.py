"""Patients divided into folds: which nodules validate and which test, no patient in two splits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from nodulus.transforms.problems import UsageError

from .data_list import DataListItem, Split
from .patient_ids import patient_key


@dataclass(frozen=True)
class Division:
    """How patients are divided.

    Args:
        folds: how many folds of patients; the validation split is one of them.
        fold: which fold validates, from 0.
        seed: of the division.
        test_patients: patients that go to the test split.
        is_only_test: whether all do, as where a network is only to be evaluated; then there are no folds.
    """

    folds: int = 5
    fold: int = 0
    seed: int = 0
    test_patients: Collection[str] = ()
    is_only_test: bool = False

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise UsageError(f"Expected at least 2 folds, one to validate and one to train, got {self.folds}")
        if not 0 <= self.fold < self.folds:
            raise UsageError(f"Expected a fold from 0 to {self.folds - 1}, got {self.fold}")

    def divide(self, items: Sequence[DataListItem]) -> dict[Split, list[DataListItem]]:
        """Return the items by split, in their order.

        Raises:
            UsageError: there are fewer patients than folds.
        """
        if self.is_only_test:
            return {"training": [], "validation": [], "test": list(items)}
        tested = set(map(patient_key, self.test_patients))
        test = [item for item in items if patient_key(item.patient_id) in tested]
        rest = [item for item in items if patient_key(item.patient_id) not in tested]
        validates = validation_mask(rest, self.folds, self.fold, self.seed)
        training, validation = (
            [item for item, chosen in zip(rest, validates, strict=True) if chosen is wanted] for wanted in (False, True)
        )
        return {"training": training, "validation": validation, "test": test}


def validation_mask(items: Sequence[DataListItem], folds: int, fold: int, seed: int) -> list[bool]:
    """Return which nodules are of the fold's patients; folds are balanced by label and size."""
    patients = [patient_key(item.patient_id) for item in items]
    if len(set(patients)) < folds:
        raise UsageError(f"Expected at least {folds} patients for {folds} folds, got {len(set(patients))}")
    sizes = np.digitize([item.diameter_mm for item in items], bins=(6.0, 10.0))
    strata = [f"{item.label} {size}" for item, size in zip(items, sizes, strict=True)]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    _, chosen = list(splitter.split(np.zeros(len(items)), strata, patients))[fold]
    return [bool(is_chosen) for is_chosen in np.isin(np.arange(len(items)), chosen)]
