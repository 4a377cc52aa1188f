"""Measures the band of the score on validation patients, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.places import BUNDLE
from benchmarks.release.flag_rates import CROPS_ALLOW
from benchmarks.validation import mean_of, size_bins
from nodulus.pipeline.data.monai_items import load_data_list
from nodulus.pipeline.results.stability import Cause, Stability
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.pipeline.scoring.stability import stability_of
from nodulus.transforms.scan.open import open_ct

STAYS_WITHIN = 0.05
Item = Mapping[str, Any]
# A nodule's score, its band, and the CPU seconds that each of the two took.
Measured = tuple[float, Stability, float, float]


def measure(data: Path, patients: Mapping[str, str]) -> dict[str, Any]:
    """Return the record: shares that stay, by the box that is shown, by size and by cause; and the cost.

    Args:
        data: the list whose validation split is scored.
        patients: of each nodule of it, by name.
    """
    scorer = Scorer(BUNDLE, device="cpu", allow=CROPS_ALLOW)
    boxes: dict[str, Literal["diameter", "own"]] = {"point and diameter": "diameter", "own box": "own"}
    record: dict[str, Any] = {"weights_sha256": scorer.identity.weights_sha256, "stays_within": STAYS_WITHIN}
    for name, shown in boxes.items():
        items = load_data_list(data, "validation", boxes=shown)
        found = [measured(item, scorer) for item in items]
        of = [patients[item["nodule_id"]] for item in items]
        record[name] = {
            "sizes": {
                bin_: summary([found[k] for k in np.flatnonzero(part)], [of[k] for k in np.flatnonzero(part)])
                for bin_, part in size_bins([item["diameter_mm"] for item in items])
            },
            "patches_a_nodule": float(np.mean([band.n for _, band, _, _ in found])),
            "median_cpu_ratio": float(np.median([band_s / plain_s for _, _, plain_s, band_s in found])),
        }
    return record


def measured(item: Item, scorer: Scorer) -> Measured:
    """Return the score and the band of a nodule, and what they cost: both from a scan whose headers are read."""
    opened = {**item, "image": open_ct(item["image"], allow=scorer.how.allow, expect_lung=False)}
    start = time.process_time()
    (plain,) = scorer.predict([opened])
    between = time.process_time()
    band = stability_of(opened, plain.malignant, scorer.predict)
    return plain.malignant, band, between - start, time.process_time() - between


def summary(found: Sequence[Measured], patients: Sequence[str]) -> dict[str, Any]:
    """Return the shares of some nodules that stay, and the widths of their bands."""
    moved = [_moved(score, band) for score, band, _, _ in found]
    widths = [(band.high or 0.0) - (band.low or 0.0) for _, band, _, _ in found]
    return {
        "nodules": len(found),
        "stays": asdict(mean_of([max(each.values()) <= STAYS_WITHIN for each in moved], patients)),
        "stays_by_cause": {
            cause: asdict(mean_of([each.get(cause, 0.0) <= STAYS_WITHIN for each in moved], patients))
            for cause in get_args(Cause)
        },
        "median_width": float(np.median(widths)),
        "largest_width": float(np.max(widths)),
        "without_noise": sum(band.noise_hu is None for _, band, _, _ in found),
    }


def _moved(score: float, band: Stability) -> dict[str, float]:
    """Return by how much the score moves at most, by cause."""
    return {cause: max(part.high - score, score - part.low) for cause, part in band.by_cause.items()}
