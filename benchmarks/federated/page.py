"""The record of the study: how it was done, and its tables."""

from __future__ import annotations

from pathlib import Path

from benchmarks.federated.stages import FIRST, trained_share
from benchmarks.places import RECORDS
from benchmarks.validation import write_between

PAGE = RECORDS / "federated.md"
START, END = "<!-- figures: written by python -m benchmarks.federated --page -->", "<!-- end of figures -->"


def write_page(tables: str, rounds: int, first: str, bundle: Path) -> None:
    """Write the tables into the page, with what was trained and for how long."""
    n_trained, n = trained_share(bundle, first)
    every = f"All {n / 1e6:.1f} million weights train"
    some = (
        f"The stages before `{first}` stay as the bundle starts them, and what they say of a patch was computed once:"
        f" {n_trained / 1e6:.1f} of {n / 1e6:.1f} million weights train"
    )
    about = f"{every if first == FIRST else some}, {rounds} rounds of one epoch."
    write_between(PAGE, START, END, f"{about} {tables.strip()}")
