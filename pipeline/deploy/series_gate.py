"""Which of the series that the rules select is read: never silently the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nodulus.pipeline.scoring.open_case import OpenScan, ReadOptions, open_scan
from nodulus.transforms.problems import Problem, ProblemCode


def open_selected(folder: Path, selected: Sequence[str], how: ReadOptions) -> OpenScan:
    """Return the selected series of a folder, opened; a refusal is returned, not raised.

    Of several the gate takes the one that can be read, as it does of any folder; where none is selected it says what is
    wrong with the folder, or else that no series matches.

    Args:
        folder: where the series are.
        selected: the SeriesInstanceUIDs that the rules select.
        how: how scans are opened.
    """
    if len(set(selected)) == 1:
        return open_scan(folder, replace(how, series_uid=selected[0]))
    scan = open_scan(folder, how)
    if scan.volume is None:
        return scan
    chosen = str(scan.volume.attributes.get("series_uid"))
    if chosen in selected:
        return scan
    got = f"{len(set(selected))} others" if selected else "none"
    message = f"Expected the rules to select series {chosen}, which can be read, got {got} selected in {folder.name}"
    return OpenScan(folder, problem=Problem(ProblemCode.MIXED_SERIES, message))
