"""Every measure of every method on one nodule, as a row that can be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch

from nodulus.pipeline.records import Record

from .measures import (
    BLOB_MM,
    fall_by_deletion,
    heat_of,
    points_at,
    random_map,
    rank_correlation,
    share_within,
)
from .methods import CANDIDATES, CONTROLS, Explainer, Map, Margin
from .random_weights import STAGE_NAMES, cascade
from .views import MarkedNodule, on_grid_of

SEEDS = (0, 1, 2)
N_RANDOM = 4


class MethodRow(Record):
    """What one method reaches on one nodule.

    Args:
        heat_share: part of the heat in the mask.
        hit: whether the hottest voxel lies in the mask or touches it.
        repeated: rank correlation with the map of the patch moved by 1 mm, along x, y and z.
        randomised: absolute rank correlation with the map of the network that is random from the top down to a layer,
            mean of the seeds; empty where it was not measured.
        fall: of the margin by deletion, mean over the part deleted.
    """

    heat_share: float
    hit: bool
    repeated: tuple[float, float, float]
    randomised: dict[str, float]
    fall: float


class NoduleRow(Record):
    """What all methods reach on one nodule, and random deletion beside them."""

    nodule_id: str
    patient_id: str
    label: int | None
    diameter_mm: float
    margin: float
    area_share: float
    fall_blobs: float
    fall_voxels: float
    methods: dict[str, MethodRow]


@dataclass(frozen=True, eq=False)
class Bench:
    """The methods on the trained network, and on the random ones by stage and seed."""

    margin: Margin
    trained: Mapping[str, Explainer]
    random: Mapping[str, Sequence[Mapping[str, Explainer]]]

    @classmethod
    def of(cls, network: torch.nn.Module) -> Bench:
        """Return the bench of a network."""
        random: dict[str, list[Mapping[str, Explainer]]] = {name: [] for name in STAGE_NAMES}
        for seed in SEEDS:
            for stage, changed in cascade(network, seed):
                random[stage].append(_explainers(Margin(changed)))
        margin = Margin(network)
        return cls(margin, _explainers(margin), random)


def measure(bench: Bench, nodule: MarkedNodule, *, with_random: bool) -> NoduleRow:
    """Return all measures of a nodule; ``with_random`` adds those of random weights, which take longest."""
    view = nodule.view
    random = np.random.default_rng(crc32(nodule.nodule_id.encode()))
    margin = bench.margin.without_gradients

    def chance(blur_mm: float) -> float:
        maps = [random_map(view, random, blur_mm) for _ in range(N_RANDOM)]
        return float(np.mean([fall_by_deletion(margin, view, each, random) for each in maps]))

    return NoduleRow(
        nodule_id=nodule.nodule_id,
        patient_id=nodule.patient_id,
        label=nodule.label,
        diameter_mm=view.diameter_mm,
        margin=margin(view.patch).item(),
        area_share=float(nodule.is_nodule.sum() / view.is_shown.sum()),
        fall_blobs=chance(BLOB_MM),
        fall_voxels=chance(0.0),
        methods={name: _method(bench, name, nodule, random, with_random=with_random) for name in bench.trained},
    )


def _method(
    bench: Bench, name: str, nodule: MarkedNodule, random: np.random.Generator, *, with_random: bool
) -> MethodRow:
    view, explain = nodule.view, bench.trained[name]
    values = explain(view)
    heat = heat_of(values, view.is_shown)
    x, y, z = _repeated(explain, nodule, heat)
    return MethodRow(
        heat_share=share_within(heat, nodule.is_nodule),
        hit=points_at(heat, nodule.is_nodule),
        repeated=(x, y, z),
        randomised=_randomised(bench, name, nodule, heat) if with_random else {},
        fall=fall_by_deletion(bench.margin.without_gradients, view, values, random),
    )


def _repeated(explain: Explainer, nodule: MarkedNodule, heat: Map) -> list[float]:
    correlations = []
    for shifted in nodule.shifted:
        moved = on_grid_of(nodule.view, heat_of(explain(shifted), shifted.is_shown), shifted)
        in_both = nodule.view.is_shown & on_grid_of(nodule.view, shifted.is_shown, shifted)
        correlations.append(rank_correlation(heat, moved, in_both))
    return correlations


def _randomised(bench: Bench, name: str, nodule: MarkedNodule, heat: Map) -> dict[str, float]:
    view = nodule.view
    found: dict[str, float] = {}
    for stage, seeds in bench.random.items():
        # The stages between serve the curve only: one seed.
        used = seeds if stage == STAGE_NAMES[-1] else seeds[:1]
        maps = [heat_of(explainers[name](view), view.is_shown) for explainers in used]
        found[stage] = float(np.mean([abs(rank_correlation(heat, each, view.is_shown)) for each in maps]))
    return found


def _explainers(margin: Margin) -> dict[str, Explainer]:
    return {name: make(margin) for name, make in (*CANDIDATES.items(), *CONTROLS.items())}
