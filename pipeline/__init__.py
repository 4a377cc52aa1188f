"""What runs: scoring, training, evaluating, reporting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodules import Nodule
    from .scorer import Scorer

__all__ = ["Nodule", "Scorer"]


def __getattr__(name: str) -> object:
    """Load the public names when they are asked for: `nodulus --help` and the phantom do without torch."""
    if name == "Scorer":
        from .scorer import Scorer

        return Scorer
    if name == "Nodule":
        from .nodules import Nodule

        return Nodule
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
