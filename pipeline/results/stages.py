"""How long each stage of a run took, and how much memory the process had needed by its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from nodulus.pipeline.records import Record


class StageRecord(Record):
    """One stage of a run: how often it was passed, how long it took together, and the memory that it left behind.

    ``peak_memory_mib`` is the most that the process had held by the stage's end (resident), None where the system does
    not tell.
    """

    name: str
    n: int
    seconds: float
    peak_memory_mib: float | None = None


class Stages:
    """Adds up the stages of a run, in the order in which they were first passed."""

    def __init__(self) -> None:
        self._n: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._peak_mib: dict[str, float | None] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Add what is done inside to a stage, however it ends."""
        start = perf_counter()
        try:
            yield
        finally:
            self.add(name, perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        """Add so many seconds, up to now, to a stage."""
        self._n[name] = self._n.get(name, 0) + 1
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
        self._peak_mib[name] = peak_memory_mib()

    def records(self) -> tuple[StageRecord, ...]:
        """Return what each stage has cost so far."""
        return tuple(
            StageRecord(name=name, n=n, seconds=round(self._seconds[name], 4), peak_memory_mib=self._peak_mib[name])
            for name, n in self._n.items()
        )


def peak_memory_mib() -> float | None:
    """Return the most memory that this process has held (resident), MiB; None where the system does not tell."""
    try:
        import resource  # there is none on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
