"""The learning curve: mean AUC over seeds of every arm, its gain over the weights as they are, and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between
from nodulus.pipeline.statistics.binary_labels import malignant_mask
from nodulus.pipeline.statistics.bootstrap import estimate, patient_weights
from nodulus.pipeline.statistics.estimate import Estimate
from nodulus.pipeline.statistics.metrics import pairwise_wins, weighted_auc

from .study import AS_IS

RECORD = RECORDS / "fine-tuning.json"
PAGE = RECORDS / "fine-tuning.md"
START, END = "<!-- figures: written by python -m benchmarks.finetune --page -->", "<!-- end of figures -->"


def curve(seeds: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Estimate, Estimate | None]]:
    """Return each arm's AUC, the mean over seeds, and its gain over the weights as they are; patients are drawn anew.

    Args:
        seeds: of each ``patients``, ``labels`` and ``margins`` by arm, of the same test nodules in one order.
    """
    patients = sorted({patient for seed in seeds for patient in seed["patients"]})
    drawn = dict(zip(patients, patient_weights(patients).T, strict=True))
    found: dict[str, tuple[Estimate, Estimate | None]] = {}
    plain = _mean_aucs(seeds, AS_IS, drawn)
    for arm in seeds[0]["margins"]:
        value, sampled = _mean_aucs(seeds, arm, drawn)
        gain = None if arm == AS_IS else estimate(value - plain[0], sampled - plain[1])
        found[arm] = (estimate(value, sampled), gain)
    return found


def _mean_aucs(
    seeds: Sequence[Mapping[str, Any]], arm: str, drawn: Mapping[str, NDArray[np.float64]]
) -> tuple[float, NDArray[np.float64]]:
    """Return an arm's AUC and that of each draw of patients, as means over the seeds that a draw leaves defined."""
    values, samples = [], []
    for seed in seeds:
        is_malignant = malignant_mask(seed["labels"])
        wins = pairwise_wins(is_malignant, np.asarray(seed["margins"][arm], dtype=np.float64))
        weights = np.column_stack([drawn[patient] for patient in seed["patients"]])
        values.append(float(wins.mean()))
        samples.append(weighted_auc(wins, weights, is_malignant))
    drawn_in = np.isfinite(samples).sum(axis=0)
    totals = np.nansum(samples, axis=0)
    return float(np.mean(values)), np.divide(totals, drawn_in, out=np.full(len(totals), np.nan), where=drawn_in > 0)


def write_page(record: Mapping[str, Any]) -> None:
    """Write the table into the page."""
    seeds = record["seeds"]
    n_nodules = sum(len(seed["labels"]) for seed in seeds)
    n_patients = len({patient for seed in seeds for patient in seed["patients"]})
    precision = "bfloat16" if record["bfloat16"] else "float32"
    about = (
        f"New hospital: {record['hospital']}; {len(seeds)} seeds, {n_nodules} decided test nodules of {n_patients}"
        f" patients. {record['epochs'][0]} epochs elsewhere, {record['epochs'][1]} at the hospital, tuned at a rate of"
        f" {record['tuning_rate']:g}, in {precision}; frozen before `{record['freeze_until']}`."
        f" Network: `{record['network']}`."
    )
    rows = [
        (arm, _interval(auc), "" if gain is None else _interval(gain, "+")) for arm, (auc, gain) in curve(seeds).items()
    ]
    write_between(PAGE, START, END, f"{about}\n\n{markdown_table(('arm, nodules', 'AUC', 'gain'), rows)}")


def _interval(found: Estimate, sign: str = "") -> str:
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"
