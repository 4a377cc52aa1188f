"""Renders the tables of docs/records/likeness.md from the record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.places import RECORDS
from benchmarks.validation import markdown_table, write_between

PAGE = RECORDS / "likeness.md"
START, END = "<!-- figures: written by python -m benchmarks.likeness --page -->", "<!-- end of figures -->"


def write_page(record: Mapping[str, Any], page: Path = PAGE) -> None:
    """Write the tables into the page."""
    limits = record["flagged_max"]
    head = (
        "flagged, where the limit is set to flag this part of other nodules",
        *(f"{float(most):.0%}" for most in limits),
    )
    shares = list(limits.values())
    rows = [(f"nodules, {view}", *(_share(each["nodules"][view]) for each in shares)) for view in shares[0]["nodules"]]
    rows += [
        (f"{region}, {found['n']} places", *(_share(each["places"][region]) for each in shares))
        for region, found in shares[0]["places"].items()
    ]
    shipped = limits["0.02"]["places"]
    scans = list(next(iter(shipped.values()))["by_scan"])
    by_scan = [(region, *(f"{found['by_scan'][scan]:.1%}" for scan in scans)) for region, found in shipped.items()]
    nodules = f"{record['nodules']} nodules of {record['patients']} patients."
    parts = [
        nodules,
        markdown_table(head, rows),
        "At the 2 % that is shipped, each scan judged by a likeness that never saw it:",
    ]
    write_between(page, START, END, "\n\n".join([*parts, markdown_table(("places", *scans), by_scan)]))


def _share(found: Mapping[str, float]) -> str:
    return f"{found['value']:.1%} [{found['low']:.1%}, {found['high']:.1%}]"
