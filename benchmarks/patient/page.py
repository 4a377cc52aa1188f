"""Renders the tables of docs/records/patient.md from the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.ceiling.words import interval
from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

RECORD, PAGE = RECORDS / "patient.json", RECORDS / "patient.md"
START, END = "<!-- figures: written by python -m benchmarks.patient --page -->", "<!-- end of figures -->"


def write_page(record: Mapping[str, Any]) -> None:
    """Write the tables into the page."""
    parts = [part for name, found in record["groups"].items() for part in _group(name, found)]
    write_between(PAGE, START, END, "\n\n".join(parts))


def _group(name: str, found: Mapping[str, Any]) -> list[str]:
    together = found["together"]
    counted = f"{found['nodules']} nodules of {found['patients']} patients, {found['malignant']} malignant"
    trials = [
        (
            trial["name"],
            trial["known"],
            trial["reason"] if trial["gain"] is None else interval(trial["gain"], "+"),
            "yes" if trial["is_kept"] else "no",
        )
        for trial in found["trials"]
    ]
    models = [
        (
            words,
            interval(together["auc"][words]),
            interval(together["auc_gain"], "+") if words == "together" else "",
            interval(together["log_loss_gain"], "+") if words == "together" else "",
        )
        for words in together["auc"]
    ]
    chosen = ", ".join(f"{name} in {n} of {together['folds']}" for name, n in together["kept_in_folds"].items())
    said = (
        "The patient helps." if together["has_helped"] else "The patient is not shown to help: nothing of it is used."
    )
    return [
        f"## {name.capitalize()}: {counted}",
        markdown_table(("beside image and size", "known", "gain in log loss", "kept"), trials),
        markdown_table(("model", "AUC out of fold", "less the image's", "gain in log loss over it"), models),
        f"Chosen in the folds: {chosen}. {said}",
    ]
