"""Renders the tables of docs/records/stability.md from the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

PAGE = RECORDS / "stability.md"
START, END = "<!-- figures: written by python -m benchmarks.stability --page -->", "<!-- end of figures -->"
_HEAD = ("nodules", "n", "stays", "stays: point", "stays: size", "stays: noise", "median width", "largest")


def write_page(record: Mapping[str, Any]) -> None:
    """Write the tables into the page."""
    parts = [f"Weights {record['weights_sha256'][:12]}; stays: within {record['stays_within']} of the plain score."]
    for name in ("point and diameter", "own box"):
        found = record[name]
        cost = (
            f"Asked for by {name}: {found['patches_a_nodule']:.1f} patches more a nodule, "
            f"{found['median_cpu_ratio']:.1f} times the CPU time of the plain score."
        )
        rows = [_row(size, each) for size, each in found["sizes"].items()]
        parts += [cost, markdown_table(_HEAD, rows)]
    write_between(PAGE, START, END, "\n\n".join(parts))


def _row(size: str, found: Mapping[str, Any]) -> tuple[object, ...]:
    shares = (found["stays"], *found["stays_by_cause"].values())
    widths = (f"{found['median_width']:.3f}", f"{found['largest_width']:.3f}")
    return (size, found["nodules"], *map(_percent, shares), *widths)


def _percent(share: Mapping[str, float]) -> str:
    return f"{share['value']:.0%} [{share['low']:.0%}, {share['high']:.0%}]"
