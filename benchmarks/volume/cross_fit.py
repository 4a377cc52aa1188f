"""Measures outlines and volumes on nodules on which nothing was chosen: each by a model fitted to other patients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.validation import mean_of, size_bins
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.transforms.measures.outline import Outline, VoxelModel, outline_in
from nodulus.transforms.measures.own_diameter import outline_of_own_diameter
from nodulus.transforms.measures.settled_volume import ball_volume_mm3

from .crops import Crop, read_crops
from .fit import POINT_SD_MM, SIZE_SD, fit
from .measure import ball, is_near

N_FOLDS = 2
# Drawn from the nodules of training patients: the validation patients chose features and the way from a point alone.
N_NODULES = 160
# Of the ball, from which the weight was chosen.
BALL_WEIGHTS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0)


@dataclass(frozen=True)
class Overlap:
    """How a mask agrees with the readers': their overlap, and its volume as a part of theirs."""

    dice: float
    volume_ratio: float


@dataclass(frozen=True)
class Volumes:
    """Volumes of a nodule's outline and of a ball of its diameter and the rim, as parts of the readers' volume."""

    outline: float
    ball: float

    def together(self, ball_weight: float) -> float:
        """Return their geometric mean."""
        return float(self.outline ** (1 - ball_weight) * self.ball**ball_weight)


@dataclass(frozen=True)
class NoduleRow:
    """What was found of one nodule whose patient the model does not know; its crop is extended.

    ``stated`` are its volumes as the table says, ``second_reader`` with point and diameter as another reader's differ.
    """

    nodule_id: str
    patient_id: str
    diameter_mm: float
    ball: Overlap
    outline: Overlap
    point_alone: Overlap
    stated: Volumes
    second_reader: Volumes


def measure_others(items: Sequence[DataListItem], folder: Path, seed: int = 0, jobs: int = 1) -> dict[str, Any]:
    """Return the record of nodules drawn from a list, of training patients."""
    drawn = np.random.default_rng(seed).permutation(len(items))[:N_NODULES]
    return record_of(cross_fitted([items[k] for k in drawn], folder, seed, jobs))


def record_of(rows: Sequence[NoduleRow]) -> dict[str, Any]:
    """Return what the rows say of each way to outline, and of the volume by outline and diameter together."""
    found = {what: summary(rows, what) for what in ("ball", "outline", "point_alone")}
    patients = [row.patient_id for row in rows]
    weights = {
        f"{weight:g}": {
            asked: asdict(mean_of(is_near([getattr(row, asked).together(weight) for row in rows]), patients))
            for asked in ("stated", "second_reader")
        }
        for weight in BALL_WEIGHTS
    }
    return found | {"volume_within_25_percent_by_ball_weight": weights}


def cross_fitted(items: Sequence[DataListItem], folder: Path, seed: int = 0, jobs: int = 1) -> list[NoduleRow]:
    """Return a row for each nodule, in folds of patients."""
    fold_of = _folds([item.patient_id for item in items], seed)
    rows: list[NoduleRow] = []
    with ProcessPoolExecutor(jobs) as pool:
        for held_out in range(N_FOLDS):
            known = [item for item in items if fold_of[item.patient_id] != held_out]
            model = fit(list(read_crops(known, folder)), seed)
            others = [item for item in items if fold_of[item.patient_id] == held_out]
            rows += pool.map(partial(_row, folder, model), others, chunksize=8)
    return rows


def summary(rows: Sequence[NoduleRow], what: str) -> dict[str, Any]:
    """Return overlap and share of volumes within 25 % of a way to outline, with intervals, in bins of size."""
    return {
        name: _summary([row for row, is_in in zip(rows, part, strict=True) if is_in], what)
        for name, part in size_bins([row.diameter_mm for row in rows])
    }


def _summary(rows: Sequence[NoduleRow], what: str) -> dict[str, Any]:
    patients = [row.patient_id for row in rows]
    found: list[Overlap] = [getattr(row, what) for row in rows]
    near = is_near([each.volume_ratio for each in found])
    return {
        "nodules": len(rows),
        "patients": len(set(patients)),
        "dice": asdict(mean_of([each.dice for each in found], patients)),
        "volume_within_25_percent": asdict(mean_of(near, patients)),
    }


def _folds(patients: Sequence[str], seed: int) -> dict[str, int]:
    each = sorted(set(patients))
    order = np.random.default_rng(seed).permutation(len(each))
    return {patient: int(place) % N_FOLDS for patient, place in zip(each, order, strict=True)}


def _row(folder: Path, model: VoxelModel, item: DataListItem) -> NoduleRow:
    crop = next(_extended([item], folder))

    def outline_of(diameter_mm: float) -> Outline | None:
        return outline_in(crop.around, crop.center_lps_mm, diameter_mm, model)

    alone = outline_of_own_diameter(outline_of)
    random = np.random.default_rng(crc32(item.nodule_id.encode()))
    shift_mm = random.normal(0, POINT_SD_MM, 3).tolist()
    second_reader = crop.asked(shift_mm=shift_mm, factor=math.exp(random.normal(0, SIZE_SD)))
    return NoduleRow(
        item.nodule_id,
        item.patient_id,
        item.diameter_mm,
        ball=_overlap(crop, ball(crop)),
        outline=_overlap(crop, _mask(outline_of(crop.diameter_mm), crop)),
        point_alone=_overlap(crop, _mask(None if alone is None else alone[1], crop)),
        stated=_volumes(crop, model),
        second_reader=_volumes(second_reader, model),
    )


def _extended(items: Sequence[DataListItem], folder: Path) -> Iterator[Crop]:
    return (crop.extended() for crop in read_crops(items, folder))


def _volumes(crop: Crop, model: VoxelModel) -> Volumes:
    found = outline_in(crop.around, crop.center_lps_mm, crop.diameter_mm, model)
    readers_mm3 = float(crop.is_nodule.sum()) * crop.voxel_mm3
    outline = _overlap(crop, _mask(found, crop)).volume_ratio
    return Volumes(outline, ball_volume_mm3(crop.diameter_mm) / readers_mm3)


def _mask(found: Outline | None, crop: Crop) -> NDArray[np.bool_]:
    return np.zeros(crop.is_nodule.shape, dtype=np.bool_) if found is None else found.is_nodule


def _overlap(crop: Crop, mask: NDArray[np.bool_]) -> Overlap:
    n_mask, n_readers = int(mask.sum()), int(crop.is_nodule.sum())
    shared = int((mask & crop.is_nodule).sum())
    return Overlap(2 * shared / (n_mask + n_readers), n_mask / n_readers)
