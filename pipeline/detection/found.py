"""What a detector found in a scan, as nodules and as their table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodulus.pipeline.csv_files import csv_text, rounded
from nodulus.pipeline.files import write_text
from nodulus.pipeline.nodules.from_csv import OUR_COLUMNS, SCORE_COLUMN
from nodulus.pipeline.nodules.nodule import Nodule, diameter_problem
from nodulus.pipeline.nodules.sources import NoduleSet

DETECTED = "detection_bundle"
COLUMNS = (*OUR_COLUMNS, SCORE_COLUMN)


@dataclass(frozen=True)
class Box:
    """A box of a detector: its centre and sizes along the patient's axes, LPS mm, and how sure the detector is."""

    center_lps_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    score: float

    @property
    def diameter_mm(self) -> float:
        """The diameter of the ball with the volume of the ellipsoid in the box: of LUNA16's cubes their side."""
        x, y, z = self.size_mm
        return math.pow(x * y * z, 1 / 3)


@dataclass(frozen=True)
class Found:
    """The nodules that a detector found, the surest first, and what it left out.

    Args:
        detector: its name, version and weights, for people.
        nodules: LPS; their ids count from 1.
        notes: how many boxes are taken, and why others are not, a line each.
    """

    detector: str
    nodules: tuple[Nodule, ...]
    notes: tuple[str, ...]

    @property
    def source(self) -> NoduleSet:
        """The nodules with what is to be said of where they come from."""
        return NoduleSet(self.nodules, DETECTED, "LPS", "implied", (f"found by {self.detector}", *self.notes))

    def write_table(self, path: Path) -> Path:
        """Write the table that `--nodules` reads, and return its path; nothing found leaves the header alone."""
        rows = (
            (
                nodule.nodule_id,
                *map(rounded, nodule.center_lps_mm),
                rounded(nodule.diameter_mm),
                rounded(nodule.detection_score or 0.0, 4),
            )
            for nodule in self.nodules
        )
        return write_text(path, csv_text(COLUMNS, rows))


def found_in(boxes: Sequence[Box], detector: str, min_score: float, max_nodules: int | None) -> Found:
    """Return the boxes that a detector is sure enough of as nodules.

    A nodule takes the box's centre and diameter and not its sides: the detector was taught cubes around a diameter, and
    a box of a nodule is its outline here.

    Args:
        boxes: all of a scan.
        detector: its name, version and weights, for people.
        min_score: of the boxes that are taken.
        max_nodules: how many are, the surest; None takes all.
    """
    by_score = sorted(boxes, key=lambda box: -box.score)
    sure = [box for box in by_score if box.score >= min_score]
    sized = [box for box in sure if diameter_problem(box.diameter_mm) is None]
    taken = sized[:max_nodules]
    nodules = tuple(
        Nodule(str(n), box.center_lps_mm, box.diameter_mm, detection_score=box.score) for n, box in enumerate(taken, 1)
    )
    notes = _left_out(by_score, n_sure=len(sure), n_sized=len(sized), n_taken=len(taken), min_score=min_score)
    return Found(detector, nodules, tuple(notes))


def _left_out(by_score: Sequence[Box], *, n_sure: int, n_sized: int, n_taken: int, min_score: float) -> Iterator[str]:
    """Yield which boxes are taken, and of the others why they are not."""
    best = f", the best {by_score[0].score:.2f}" if by_score and not n_sure else ""
    yield f"{n_taken} of {len(by_score)} boxes taken{best}: score {min_score:g} or more"
    if n_sure > n_sized:
        yield f"{n_sure - n_sized} left out: not the size of a nodule"
    if n_sized > n_taken:
        yield f"{n_sized - n_taken} left out: less sure than the first {n_taken}"
