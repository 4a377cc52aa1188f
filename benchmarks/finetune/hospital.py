"""A new hospital in simulation: one maker's patients, some to fine-tune on, others to test; none of them pretrained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.federated.makers import TEST_FOLDS, hospitals, pooled
from nodulus.pipeline.data.data_list import DataList, DataListItem
from nodulus.pipeline.data.patient_ids import patient_key
from nodulus.transforms.problems import UsageError


@dataclass(frozen=True)
class Hospital:
    """The patients of a seed.

    Args:
        elsewhere: nodules of the other makers, on which the first weights train.
        own: those of the hospital that it may train on, in the order in which its patients come.
        test: those of the hospital's other patients, another third of them in each of three seeds.
    """

    elsewhere: tuple[DataListItem, ...]
    own: tuple[DataListItem, ...]
    test: tuple[DataListItem, ...]


def hospital(crops: Path, relative_to: Path, maker: str, seed: int) -> Hospital:
    """Return a maker's patients as a new hospital, and all others' as the place where the first weights come from."""
    lists = hospitals(crops, relative_to, seed % TEST_FOLDS)
    here = lists[maker]
    others = pooled([content for name, content in lists.items() if name != maker])
    own = [*here.training, *here.validation]
    patients = sorted({patient_key(item.patient_id) for item in own})
    order = {patients[at]: rank for rank, at in enumerate(np.random.default_rng(seed).permutation(len(patients)))}
    own.sort(key=lambda item: (order[patient_key(item.patient_id)], item.nodule_id))
    return Hospital((*others.training, *others.validation, *others.test), tuple(own), here.test)


def first_nodules(own: Sequence[DataListItem], n: int) -> tuple[DataListItem, ...]:
    """Return the hospital's first n nodules: those of its first patients, of whom the last may lack some.

    Raises:
        UsageError: it has fewer.
    """
    if len(own) < n:
        raise UsageError(f"Expected a hospital of {n} nodules to train on, got one of {len(own)}")
    return tuple(own[:n])


def training_list(items: Sequence[DataListItem]) -> DataList:
    """Return a data list that trains on nodules and does nothing else."""
    return DataList(training=tuple(items))
