"""What a writer is given: the record of one case, the head of its run, and the scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nodulus.pipeline.results.record import CaseResult, Results
from nodulus.transforms.volume import CTVolume


@dataclass(frozen=True, eq=False)
class ScoredCase:
    """One case as a run has recorded it, while its scan is still open.

    Args:
        run: the record of the run, with this case alone.
        volume: the scan, None where it was refused.
        with_identifiers: whether files that show the case may say who the patient is.
    """

    run: Results
    volume: CTVolume | None = None
    with_identifiers: bool = False

    @property
    def result(self) -> CaseResult:
        """The record of the case."""
        (case,) = self.run.cases
        return case


# Writes its files into a folder and returns their paths. A case that it cannot show it refuses (InputRefusedError).
CaseWriter = Callable[[ScoredCase, Path], tuple[Path, ...]]
