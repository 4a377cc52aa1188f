"""Renders the tables of docs/records/frozen-features.md from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.lidc.scores import NETWORK, TITLES
from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

from .study import ALL, MODELS

RECORD, PAGE, SCORES = (RECORDS / f"frozen-features.{ending}" for ending in ("json", "md", "csv"))
START, END = "<!-- figures: written by python -m benchmarks.frozen page -->", "<!-- end of figures -->"
_MEASURES = {"ece": "ECE", "expected_ece": "by chance alone", "slope": "slope"}
_SHOWN = (
    NETWORK,
    *MODELS,
    f"{ALL}, by diameter",
    *(f"{name} and network" for name in MODELS),
    "logistic_features",
    "gradient_boosting",
    "densenet121",
    "diameter",
)
_CALIBRATED = (NETWORK, *MODELS, *(f"{name} and network" for name in MODELS))


def write_page(record: Mapping[str, Any]) -> None:
    """Write the tables into the page."""
    compared = record["compared"]
    counts, scores = compared["counts"], compared["scores"]
    precision = "bfloat16" if record["bfloat16"] else "float32"
    about = (
        f"{counts['nodules']} nodules of {counts['patients']} patients ({counts['malignant']} malignant); features"
        f" computed in {precision}, torch {record['torch']}."
    )
    chosen = max(MODELS, key=lambda name: _mean(record["validation"][name]))
    text = [
        "## On validation patients",
        markdown_table(
            ("view", *(f"fold {k}" for k in range(len(record["validation"][ALL]))), "mean"),
            [
                (name, *(f"{auc:.3f}" for auc in aucs), f"{_mean(aucs):.4f}")
                for name, aucs in record["validation"].items()
            ],
        ),
        f"Best there: **{chosen}**.",
        "## Out of fold, on the published folds",
        about,
        areas(scores, _SHOWN),
        "## Calibration",
        calibration(scores, compared["full_repeats"], _CALIBRATED),
    ]
    write_between(PAGE, START, END, "\n\n".join(text))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def areas(scores: Mapping[str, Mapping[str, Any]], shown: Sequence[str]) -> str:
    """Return the table of areas under the curve of some scores of ``study.compared``."""
    head = (
        "score",
        "AUC, fold mean",
        "full repeats",
        "less the network",
        "less logistic regression",
        "8 to 15 mm, pooled",
    )
    rows = []
    for name in shown:
        found = scores[name]
        rows.append(
            (
                TITLES.get(name, name),
                interval(found["auc"]),
                f"{found['auc_full_repeats']:.4f}",
                "" if name == NETWORK else interval(found["less_network"], "+"),
                "" if name == "logistic_features" else interval(found["less_logistic_features"], "+"),
                interval(found["auc_8_15_mm"]),
            )
        )
    return markdown_table(head, rows)


def calibration(scores: Mapping[str, Mapping[str, Any]], repeats: Sequence[int], shown: Sequence[str]) -> str:
    """Return the table of how some scores of ``study.compared`` are calibrated in each full repeat."""
    head = ("score", *(f"{what}, repeat {rep}" for rep in repeats for what in _MEASURES.values()))
    rows = [
        (TITLES.get(name, name), *(_cell(each[what]) for each in scores[name]["calibration"] for what in _MEASURES))
        for name in shown
    ]
    return markdown_table(head, rows)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def interval(found: Sequence[float], sign: str = "") -> str:
    """Return a value and its interval in a cell's words."""
    value, low, high = found
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"
