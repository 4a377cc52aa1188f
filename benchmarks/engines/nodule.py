"""One nodule of a scan that was opened before: from its place to its calibrated score, by each engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nodulus.pipeline.engines.engine import EngineName
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.scoring.scorer import Scorer

from .blocks import Call, seconds_in_blocks

# What a nodule may take, ms: by the fastest engine, and by torch.
GOALS_MS = (60.0, 250.0)


def nodule_seconds(
    bundle: Path, scan: Path, nodule: Nodule, engines: Sequence[EngineName], n_blocks: int, n_calls: int
) -> dict[str, float]:
    """Return the median time (s) that a warm scorer takes for a nodule, by engine."""
    scorers = {engine: Scorer(bundle, device="cpu", engine=engine) for engine in engines}
    calls: dict[str, Call] = {engine: partial(scorer.score, scan, [nodule]) for engine, scorer in scorers.items()}
    return seconds_in_blocks(calls, n_blocks, n_calls)
