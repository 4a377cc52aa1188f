"""How the scoring process makes what it works with; the receiver, which names this alone, never loads torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.pipeline.bundle.device import Device

from .marked import marked_nodules

if TYPE_CHECKING:
    from .answer import Answerer, NoduleFinder


def make_answerer(
    bundle: Path | None,
    spool: Path,
    *,
    device: Device = "auto",
    allow: str = "",
    trust: bool = False,
    find: NoduleFinder = marked_nodules,
) -> Answerer:
    """Return what looks at the studies of a spool; the arguments but for ``spool`` and ``find`` are the scorer's."""
    from nodulus.pipeline.scoring.scorer import Scorer

    from .answer import Answerer

    return Answerer(Scorer(bundle, device=device, allow=allow, trust=trust), find, spool / "work")
