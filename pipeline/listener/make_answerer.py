"""How the scoring process makes what it works with; the receiver, which names this alone, never loads torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.bundle.device import Device

from .marked import MarkedOrDetected, marked_nodules

if TYPE_CHECKING:
    from nodulus.pipeline.scoring.scorer import Scorer

    from .answer import Answerer
    from .marked import NoduleFinder


@dataclass(frozen=True)
class AskedDetector:
    """A detection bundle that finds nodules where nothing marks any.

    Args:
        place: of the bundle.
        min_score: of the boxes that are taken; None takes the detector's default.
        memory_gb: what its network may take; None takes the default.
    """

    place: Path
    min_score: float | None = None
    memory_gb: float | None = None


def make_answerer(
    bundle: Path | None,
    spool: Path,
    *,
    device: Device = "auto",
    allow: str = "",
    trust: bool = False,
    detector: AskedDetector | None = None,
) -> Answerer:
    """Return what looks at the studies of a spool; all but ``spool`` and ``detector`` is the scorer's."""
    from nodulus.pipeline.scoring.scorer import Scorer

    from .answer import Answerer

    scorer = Scorer(bundle, device=device, allow=allow, trust=trust)
    find = marked_nodules if detector is None else _finder(detector, scorer, device, allow, trust=trust)
    return Answerer(scorer, find, spool / "work")


def _finder(asked: AskedDetector, scorer: Scorer, device: Device, allow: str, *, trust: bool) -> NoduleFinder:
    from nodulus.pipeline.detection.detector import MEMORY_GB, MIN_SCORE, Detector

    memory_gb = MEMORY_GB if asked.memory_gb is None else asked.memory_gb
    detector = Detector(asked.place, device=device, trust=trust, memory_gb=memory_gb)
    min_score = MIN_SCORE if asked.min_score is None else asked.min_score
    return MarkedOrDetected(detector, min_score, partial(scorer.scans.open, allow=allow))
