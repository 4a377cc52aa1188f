"""The readout of the middle, solved on what was kept of some nodules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen.describe import Said
from nodulus.pipeline.training.middle import solve


class Informed(NamedTuple):
    """A nodule that a readout learns from, and the readers' mean chance of its malignancy."""

    nodule_id: str
    patient_id: str
    chance: float


def solved(said: Said, nodules: Sequence[Informed]) -> tuple[NDArray[np.float64], float]:
    """Return the layer's weights and its intercept, solved on both boxes of nodules as training solves it."""
    place = {name: row for row, name in enumerate(said.names)}
    rows = said.values[[place[nodule.nodule_id] for nodule in nodules]].astype(np.float32)
    n_boxes = rows.shape[1]
    chances = np.repeat([nodule.chance for nodule in nodules], n_boxes)
    patients = [nodule.patient_id for nodule in nodules for _ in range(n_boxes)]
    # Cell by cell, and within each block by block, as the network's layer reads them.
    return solve(rows.reshape(len(patients), -1), chances, patients)
