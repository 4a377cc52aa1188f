"""How long does each of several calls take, when the machine's load changes under all of them alike?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

Call = Callable[[], object]


def interleaved_seconds(calls: Mapping[str, Call], rounds: int, warm_up: bool = True) -> dict[str, float]:
    """Return the median wall time (s) of each call; in every round each call runs once, in turn."""
    if warm_up:
        for call in calls.values():
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in times.items()}
