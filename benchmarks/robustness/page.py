"""Renders the tables of docs/records/robustness.md from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

PAGE = RECORDS / "robustness.md"
START, END = "<!-- figures: written by python -m benchmarks.robustness --page -->", "<!-- end of figures -->"
OWN = "own"
_OWN = {
    "noise": ("noise of the quietest windows", " HU"),
    "softness": ("correlation of neighbouring voxels", ""),
}
_HEAD = ("crops", "AUC", "less that of the crops as they are", "mean shift of the probability", "flagged")


def write_page(record: Mapping[str, Any]) -> None:
    """Write the tables into the page."""
    rows = [_row(name, found) for name, found in record["changes"].items()]
    head = f"Weights {record['weights_sha256'][:12]}, {record['nodules']} nodules."
    text = [head, markdown_table(_HEAD, rows), "## In their own scans, out of fold"]
    text += [_own_scans(name, groups) for name, groups in record[OWN].items()]
    write_between(PAGE, START, END, "\n\n".join(text))


def _own_scans(name: str, groups: Sequence[Mapping[str, Any]]) -> str:
    what, unit = _OWN[name]
    digits = 0 if unit else 2
    rows = [
        (
            f"{group['from']:.{digits}f} to {group['to']:.{digits}f}{unit}",
            group["counts"]["nodules"],
            group["counts"]["malignant"],
            _interval(group["auc"]["network"]),
            _interval(group["auc"]["diameter"]),
            _interval(group["less_diameter"], "+"),
        )
        for group in groups
    ]
    head = (what, "nodules", "malignant", "AUC, network", "AUC, diameter", "network less diameter")
    return markdown_table(head, rows)


def _interval(found: Mapping[str, float], sign: str = "") -> str:
    return f"{found['value']:{sign}.3f} [{found['low']:{sign}.3f}, {found['high']:{sign}.3f}]"


def _row(name: str, found: Mapping[str, Any]) -> tuple[object, ...]:
    auc, less = found["auc"], found["less_plain"]
    difference = "" if less is None else _interval(less, "+")
    return name, _interval(auc), difference, f"{found['mean_shift']:+.3f}", f"{found['flagged']:.0%}"
