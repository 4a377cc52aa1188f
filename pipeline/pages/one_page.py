"""A run's page and an evaluation's bear one name: a folder holds the one or the other."""

from __future__ import annotations

from pathlib import Path

from nodulus.transforms.problems import UsageError

PAGE = "report.html"
# The record that a page was made from tells whose it is.
RESULTS, METRICS = "results.json", "metrics.json"
_KINDS = {RESULTS: "scores", METRICS: "an evaluation"}


def check_page_is_free(folder: Path, record: str) -> None:
    """Raise UsageError where the page in a folder belongs to another record than the one that is to be written."""
    for other, what in _KINDS.items():
        if other != record and (folder / other).is_file():
            raise UsageError(
                f"Expected a folder for {_KINDS[record]}, got {folder}, which holds {what} ({other}): "
                f"both call their page {PAGE}, so give each a folder of its own"
            )
