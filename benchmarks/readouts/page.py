"""Renders the tables of docs/records/readouts.md from the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.frozen.page import areas, calibration, interval
from benchmarks.frozen.study import BASELINES
from benchmarks.lidc.scores import NETWORK
from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

from .sites import POOLED
from .study import BOTH, DEEPER, LATE, READOUTS

RECORD, PAGE, SCORES = (RECORDS / f"readouts.{ending}" for ending in ("json", "md", "csv"))
START, END = "<!-- figures: written by python -m benchmarks.readouts page -->", "<!-- end of figures -->"
_BESIDE = tuple(f"{name}, {LATE}" for name in DEEPER)


def write_page(record: Mapping[str, Any]) -> None:
    """Write the tables into the page."""
    found = record["compared"]
    counts, scores = found["counts"], found["scores"]
    shown = (NETWORK, *(each for name in READOUTS for each in (name, f"{name}, by diameter")), *_BESIDE, *BASELINES)
    text = [
        "## On validation patients",
        f"{record['epochs']} epochs over {record['views']} drawn views, torch {record['torch']}; AUC, the mean and the"
        " range of the seeds.",
        _validation(record["validation"]),
        "## Out of fold, on the published folds",
        f"{counts['nodules']} nodules of {counts['patients']} patients ({counts['malignant']} malignant); the means of"
        f" {record['fold_seeds']} seeds.",
        areas(scores, shown),
        "## Calibration",
        calibration(scores, found["full_repeats"], (NETWORK, *READOUTS, *_BESIDE)),
    ]
    if timed := record.get("cost"):
        text += ["## Cost", f"One patch on {timed['threads']} threads, and the weights' file.", _cost(timed)]
    if together := record.get("sites"):
        text += [
            "## Hospitals that train together",
            f"The readout of the middle alone on {together['nodules']} decided nodules; AUC within thirds.",
            _sites(together["scores"]),
        ]
    write_between(PAGE, START, END, "\n\n".join(text))


def _validation(aucs: Mapping[str, list[list[float]]]) -> str:
    n_folds = len(next(iter(aucs.values())))
    rows = []
    for name, by_fold in aucs.items():
        of_seeds = np.mean(by_fold, axis=0)
        cells = [f"{np.mean(fold):.3f}" for fold in by_fold]
        rows.append((name, *cells, f"{of_seeds.mean():.4f} ({of_seeds.min():.4f} to {of_seeds.max():.4f})"))
    return markdown_table(("readout", *(f"fold {k}" for k in range(n_folds)), "mean of the folds"), rows)


def _sites(scores: Mapping[str, Any]) -> str:
    rows = [
        (name, interval(found["auc"]), "" if name == POOLED else interval(found["less_pooled"], "+"))
        for name, found in scores.items()
    ]
    return markdown_table(("readout", "AUC", "less all together"), rows)


def _cost(found: Mapping[str, Any]) -> str:
    named = {**found["milliseconds"], "file": found["megabytes"]}
    rows = []
    for by, of in named.items():
        unit = "MB" if by == "file" else "ms"
        rows.append((by, *(f"{of[name]:.1f} {unit}" for name in (LATE, BOTH)), f"{of[BOTH] / of[LATE]:.2f}"))
    return markdown_table(("by", "late stages alone", "both readouts", "ratio"), rows)
