"""What looking at a study gives: told from the scoring process to the receiver, which must not load torch for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Looked:
    """What a study gives.

    Args:
        folder: the answer, whole but not yet in its place; None where there is none.
        codes: why series have no answer: problem codes of the gate, or our own words.
        is_short: whether that is because announced images are missing.
    """

    folder: Path | None = None
    codes: tuple[str, ...] = ()
    is_short: bool = False
