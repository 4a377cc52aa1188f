"""Renders the table of docs/records/robustness.md from the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

PAGE = RECORDS / "robustness.md"
START, END = "<!-- figures: written by python -m benchmarks.robustness --page -->", "<!-- end of figures -->"
_HEAD = ("crops", "AUC", "less that of the crops as they are", "mean shift of the probability", "flagged")


def write_page(record: Mapping[str, Any]) -> None:
    """Write the table into the page."""
    rows = [_row(name, found) for name, found in record["changes"].items()]
    head = f"Weights {record['weights_sha256'][:12]}, {record['nodules']} nodules."
    write_between(PAGE, START, END, f"{head}\n\n{markdown_table(_HEAD, rows)}")


def _row(name: str, found: Mapping[str, Any]) -> tuple[object, ...]:
    auc, less = found["auc"], found["less_plain"]
    difference = "" if less is None else f"{less['value']:+.3f} [{less['low']:+.3f}, {less['high']:+.3f}]"
    whole = f"{auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]"
    return name, whole, difference, f"{found['mean_shift']:+.3f}", f"{found['flagged']:.0%}"
