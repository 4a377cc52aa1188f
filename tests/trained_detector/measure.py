"""What a detector finds of phantoms whose nodules are known, by the rule of LUNA16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.validation import markdown_table
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.phantom import PhantomNodule

SIZE_EDGES_MM = (7.0, 10.0, 15.0, 24.5)


@dataclass(frozen=True)
class Met:
    """A nodule of a phantom, and the surest mark on it.

    Args:
        nodule: as it was drawn.
        score: of the mark; None where none lies on it.
        away_mm: from the nodule's centre to the mark's.
        diameter_mm: of the mark.
    """

    nodule: PhantomNodule
    score: float | None = None
    away_mm: float | None = None
    diameter_mm: float | None = None


@dataclass(frozen=True)
class Scan:
    """What was met in a scan, and the scores of the marks that lie on no nodule."""

    met: tuple[Met, ...]
    false_scores: tuple[float, ...]


def compare(drawn: Sequence[PhantomNodule], found: Sequence[Nodule]) -> Scan:
    """Return which nodules were found: a mark lies on a nodule when its centre is nearer than the nodule's radius.

    A second mark on the same nodule is neither found nor false.
    """
    away_mm = np.array(
        [[np.linalg.norm(np.subtract(d.center_lps_mm, f.center_lps_mm)) for f in found] for d in drawn]
    ).reshape(len(drawn), len(found))
    is_on = away_mm < np.array([[nodule.diameter_mm / 2] for nodule in drawn])
    met = []
    for nodule, row, near in zip(drawn, is_on, away_mm, strict=True):
        marks = sorted(np.flatnonzero(row).tolist(), key=lambda n: -_score(found[n]))
        met.append(
            Met(nodule, _score(found[marks[0]]), float(near[marks[0]]), found[marks[0]].diameter_mm)
            if marks
            else Met(nodule)
        )
    return Scan(tuple(met), tuple(_score(found[n]) for n in np.flatnonzero(~is_on.any(axis=0)).tolist()))


def _score(nodule: Nodule) -> float:
    return float(nodule.detection_score or 0.0)


def tables(scans: Sequence[Scan], thresholds: Sequence[float] = (0.5, 0.3, 0.1)) -> str:
    """Return what is found, and the false marks a scan, by threshold; by size at the first of them."""
    rows = [_row(f"score {at:g} or more", scans, at) for at in thresholds]
    by_size = [
        _row(f"{low:g} to {high:g} mm", scans, thresholds[0], (low, high)) for low, high in pairwise(SIZE_EDGES_MM)
    ]
    head = ("", "found", "false marks a scan", "centre off, median (most), mm", "diameter of the mark / drawn, median")
    n = sum(len(scan.met) for scan in scans)
    about = f"Tried on {len(scans)} phantoms of other seeds, {n} nodules."
    return f"{about}\n\n{markdown_table(head, [*rows, *by_size])}"


def _row(name: str, scans: Sequence[Scan], at: float, size_mm: tuple[float, float] | None = None) -> tuple[str, ...]:
    low, high = size_mm or (0.0, np.inf)
    drawn = [met for scan in scans for met in scan.met if low <= met.nodule.diameter_mm < high]
    found = [met for met in drawn if met.score is not None and met.score >= at]
    n_false = sum(score >= at for scan in scans for score in scan.false_scores)
    away_mm = [met.away_mm for met in found if met.away_mm is not None]
    ratios = [met.diameter_mm / met.nodule.diameter_mm for met in found if met.diameter_mm is not None]
    return (
        name,
        f"{len(found)} of {len(drawn)}",
        "" if size_mm else f"{n_false / len(scans):.2f}",
        f"{np.median(away_mm):.1f} ({max(away_mm):.1f})" if found else "",
        f"{np.median(ratios):.2f}" if found else "",
    )
