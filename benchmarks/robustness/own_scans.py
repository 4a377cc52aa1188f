"""Out of fold, in the nodules' own scans: does the score tell as well where these are noisier, or softer?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ceiling.nodules import Scored, read_scored
from benchmarks.likeness.samples import patch_cutter
from benchmarks.release.flag_rates import CROPS_ALLOW
from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.evaluation.record import DIAMETER, NETWORK
from nodulus.pipeline.statistics.metrics import compare_scores
from nodulus.transforms.patches.scan_grain import ScanGrain
from nodulus.transforms.scan.open import open_ct

N_GROUPS = 3
# Of a scan's grain, by what a table calls it.
MEASURES: Mapping[str, str] = {"noise": "quiet_hu", "softness": "near_correlation"}


def measure_own_scans(items: tuple[DataListItem, ...], folder: Path, table: Path) -> dict[str, Any]:
    """Return the AUC of the out-of-fold score and of the diameter in thirds of the nodules by their scans' grain.

    Args:
        items: all nodules at hand.
        folder: that their images are relative to.
        table: of out-of-fold scores, as ``benchmarks.lidc`` writes it.
    """
    scored = read_scored(items, table)
    grains = [grain_of(scored.items[at], folder) for at in scored.tested]
    return {
        name: thirds(np.asarray([getattr(grain, field) for grain in grains]), scored)
        for name, field in MEASURES.items()
    }


def grain_of(item: DataListItem, folder: Path) -> ScanGrain:
    """Return the grain of a nodule's scan, as scoring it by centre and diameter measures it."""
    volume = open_ct(folder / item.image, allow=CROPS_ALLOW, expect_lung=False)
    asked = {"image": volume, "center_lps_mm": item.center_lps_mm, "diameter_mm": item.diameter_mm}
    return patch_cutter().cut_item(asked).grain


def thirds(values: NDArray[np.float64], scored: Scored) -> list[dict[str, Any]]:
    """Return how score and diameter do among the tested nodules of the lowest, middle and highest values."""
    order = np.argsort(values, kind="stable")
    return [_group(values, part, scored) for part in np.array_split(order[np.isfinite(values[order])], N_GROUPS)]


def _group(values: NDArray[np.float64], part: Sequence[int] | NDArray[np.intp], scored: Scored) -> dict[str, Any]:
    at = scored.tested[part]
    labels, patients = scored.labels, scored.patients
    scores = {
        NETWORK: scored.logits[at].tolist(),
        DIAMETER: [scored.items[k].diameter_mm for k in at],
    }
    found = compare_scores([int(labels[k] or 0) for k in at], scores, [patients[k] for k in at], baseline=DIAMETER)
    return {
        "from": float(values[part].min()),
        "to": float(values[part].max()),
        "counts": dict(found.counts),
        "auc": {name: asdict(found.auc[name]) for name in scores},
        "less_diameter": asdict(found.difference[NETWORK]),
    }
