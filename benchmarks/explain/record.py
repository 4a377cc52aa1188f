"""What the methods reach on all nodules, with intervals, and which of them hold what was asked beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.pipeline.readout.additive import AdditiveModel
from nodulus.pipeline.records import Record
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate

from .measure import NoduleRow
from .methods import CANDIDATES, CONTROLS
from .random_weights import STAGE_NAMES

N_RESAMPLES, BOOTSTRAP_SEED = 2000, 0

# Written down in docs/decisions/0025 before any map of the trained network was measured.
LEAST = {
    "concentration": 1.5,
    "pointing": 0.75,
    "repeatability": 0.8,
    "over blobs": 0.0,
    "over voxels": 0.0,
    **{f"over {name}": 0.0 for name in CONTROLS},
}
MOST = {"random weights": 0.5}
# Which of several that pass is shipped.
BEST_BY = "over blobs"


class Method(Record):
    """What one method reaches.

    Args:
        figures: each measure that has a limit, by name.
        cascade: mean absolute rank correlation with the map of the network that is random down to a layer.
        heat_share: mean part of the heat in the mask.
        fall: of the margin by deletion.
        misses: the measures whose limit the interval's worse end does not keep.
    """

    figures: dict[str, Estimate]
    cascade: dict[str, Estimate]
    heat_share: Estimate
    fall: Estimate
    misses: tuple[str, ...]


class Explanations(Record):
    """The record of a run.

    Args:
        command: that makes the same.
        weights_sha256: of the network.
        nodules, patients: how many were measured.
        random_nodules: of them with random weights.
        not_shown: nodules left out, as no voxel of their mask is shown.
        area_share, fall_blobs, fall_voxels: what chance reaches: the mask's part of the shown voxels, and the fall of
            the margin by random deletion.
        candidates, controls: by name.
        margin, margin_of_air: mean of the nodules, and that of a patch that shows nothing.
        passes: the candidates that miss nothing, the best first.
        passes_but_deletion: those that miss none of the measures without deletion.
        additive: the bundle's own sum over characteristics and size, which needs no map.
    """

    command: str
    weights_sha256: str
    nodules: int
    patients: int
    random_nodules: int
    not_shown: int
    area_share: Estimate
    fall_blobs: Estimate
    fall_voxels: Estimate
    margin: Estimate
    margin_of_air: float
    candidates: dict[str, Method]
    controls: dict[str, Method]
    passes: tuple[str, ...]
    passes_but_deletion: tuple[str, ...]
    additive: AdditiveModel | None


class Sample:
    """Some nodules and the bootstrap samples of their patients."""

    def __init__(self, rows: Sequence[NoduleRow]) -> None:
        self.rows = rows
        self._weights = patient_weights([row.patient_id for row in rows], N_RESAMPLES, BOOTSTRAP_SEED)

    def mean(self, values: ArrayLike) -> Estimate:
        """Return the mean of one value a nodule."""
        return self.ratio(values, np.ones(len(self.rows)))

    def ratio(self, over: ArrayLike, under: ArrayLike) -> Estimate:
        """Return the ratio of two means."""
        a, b = (np.asarray(values, dtype=np.float64) for values in (over, under))
        return estimate(a.mean() / b.mean(), self._sums(a) / self._sums(b))

    def _sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._weights @ values)


@dataclass(frozen=True)
class Made:
    """What a run says of itself and of the bundle; the fields are those of ``Explanations``."""

    command: str
    weights_sha256: str
    not_shown: int
    margin_of_air: float
    additive: AdditiveModel | None


def summarise(rows: Sequence[NoduleRow], made: Made) -> Explanations:
    """Return the record of the nodules' rows."""
    whole = Sample(sorted(rows, key=lambda row: row.nodule_id))
    candidates = {name: _method(name, whole) for name in CANDIDATES}
    passing = _passing(candidates)
    return Explanations(
        **vars(made),
        nodules=len(rows),
        patients=len({row.patient_id for row in rows}),
        random_nodules=len(_with_random(rows)),
        area_share=whole.mean([row.area_share for row in whole.rows]),
        fall_blobs=whole.mean([row.fall_blobs for row in whole.rows]),
        fall_voxels=whole.mean([row.fall_voxels for row in whole.rows]),
        margin=whole.mean([row.margin for row in whole.rows]),
        candidates=candidates,
        controls={name: _method(name, whole) for name in CONTROLS},
        passes=tuple(sorted(passing, key=lambda name: -candidates[name].figures[BEST_BY].value)),
        passes_but_deletion=tuple(_passing(candidates, lambda measure: not measure.startswith("over "))),
    )


def _passing(candidates: Mapping[str, Method], counts: Callable[[str], bool] = lambda _: True) -> list[str]:
    """Return the candidates that miss none of the measures that count."""
    return [name for name, method in candidates.items() if not any(map(counts, method.misses))]


def _method(name: str, whole: Sample) -> Method:
    some = Sample(_with_random(whole.rows))
    of_some = [row.methods[name].randomised for row in some.rows]
    cascade = {stage: some.mean([each[stage] for each in of_some]) for stage in STAGE_NAMES}
    figures = _figures(name, whole) | {"random weights": cascade[STAGE_NAMES[-1]]}
    too_low = [measure for measure, limit in LEAST.items() if measure in figures and not figures[measure].low > limit]
    too_high = [measure for measure, limit in MOST.items() if not figures[measure].high < limit]
    return Method(
        figures=figures,
        cascade=cascade,
        heat_share=whole.mean([row.methods[name].heat_share for row in whole.rows]),
        fall=whole.mean([row.methods[name].fall for row in whole.rows]),
        misses=(*too_low, *too_high),
    )


def _figures(name: str, whole: Sample) -> dict[str, Estimate]:
    rows = whole.rows
    of_method = [row.methods[name] for row in rows]
    fall = np.asarray([each.fall for each in of_method])
    chance = {"blobs": [row.fall_blobs for row in rows], "voxels": [row.fall_voxels for row in rows]}
    blind = {control: [row.methods[control].fall for row in rows] for control in CONTROLS if control != name}
    return {
        "concentration": whole.ratio([each.heat_share for each in of_method], [row.area_share for row in rows]),
        "pointing": whole.mean([each.hit for each in of_method]),
        "repeatability": whole.mean([np.mean(each.repeated) for each in of_method]),
        **{f"over {other}": whole.mean(fall - np.asarray(falls)) for other, falls in (chance | blind).items()},
    }


def _with_random(rows: Sequence[NoduleRow]) -> list[NoduleRow]:
    return [row for row in rows if all(each.randomised for each in row.methods.values())]
