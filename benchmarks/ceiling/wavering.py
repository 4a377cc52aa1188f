"""Where network and label part: are these the nodules on which readers waver?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import expit

from benchmarks.validation import mean_of
from nodulus.pipeline.statistics.metrics import compare_scores

from .nodules import Scored
from .opinion import count_ratings, fit_opinions, panel_size
from .perfect import turned
from .words import AGREED, MAIN

FAR = 0.8  # a score so far from its label was sure of the other
# How the readers of a nodule stand to its label.
Stand = Literal["all on one side", "some at 3, none on the other side", "on both sides"]


def stand_of(ratings: Sequence[int]) -> Stand:
    """Return how readers stand.

    >>> stand_of([4, 5, 5]), stand_of([3, 4, 5]), stand_of([2, 4, 5])
    ('all on one side', 'some at 3, none on the other side', 'on both sides')
    """
    if min(ratings) < 3 < max(ratings):
        return "on both sides"
    return "some at 3, none on the other side" if 3 in ratings else "all on one side"


def list_nodules(scored: Scored) -> list[dict[str, Any]]:
    """Return the nodules that have a score, the one farthest from its label first.

    ``score`` is the probability at the mean over repeats of the logit, ``far`` its distance from the label, ``turned``
    the chance that another panel of the size, where it decides, gives the other label (by the model of ``MAIN``).
    """
    ratings = scored.ratings
    counts = count_ratings(ratings)
    model = fit_opinions(counts, np.ones(len(counts)), MAIN).model
    labels, scores, rows = scored.labels, expit(scored.logits), []
    for place in scored.tested.tolist():
        item, panel, label = scored.items[place], ratings[place], int(labels[place] or 0)
        rows.append(
            {
                "nodule_id": item.nodule_id,
                "patient_id": item.patient_id,
                "diameter_mm": item.diameter_mm,
                "ratings": "|".join(map(str, panel)),
                "readers": stand_of(panel),
                "label": label,
                "score": round(float(scores[place]), 4),
                "far": round(float(abs(scores[place] - label)), 4),
                "turned": round(turned(model, counts[place], panel_size(len(panel)), label), 4),
            }
        )
    return sorted(rows, key=lambda row: (-row["far"], row["nodule_id"]))


def measure_wavering(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how many nodules the score is wrong of by how readers stand, and how they stand where it is wrong."""
    groups = {stand: _group([row for row in rows if row["readers"] == stand]) for stand in get_args(Stand)}
    wrong = [row for row in rows if row["far"] > 0.5]
    right = [row for row in rows if row["far"] <= 0.5]
    return {
        "groups": {"all": _group(rows), **groups},
        "wavering_of_wrong": _wavering(wrong),
        "wavering_of_right": _wavering(right),
        "turned_of_wrong": _mean([row["turned"] for row in wrong], wrong),
        "turned_of_right": _mean([row["turned"] for row in right], right),
    }


def _group(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "nodules": len(rows),
        "wrong": sum(row["far"] > 0.5 for row in rows),
        "far": sum(row["far"] >= FAR for row in rows),
        "wrong_share": _mean([row["far"] > 0.5 for row in rows], rows),
        "auc": _auc(rows),
    }


def _auc(rows: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    labels = [row["label"] for row in rows]
    if len(set(labels)) < 2:
        return None
    scores = {"score": [row["score"] for row in rows]}
    return asdict(compare_scores(labels, scores, [row["patient_id"] for row in rows], "score").auc["score"])


def _wavering(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"nodules": len(rows), "share": _mean([row["readers"] != AGREED for row in rows], rows)}


def _mean(values: Sequence[float], rows: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    return asdict(mean_of(values, [row["patient_id"] for row in rows])) if rows else None
