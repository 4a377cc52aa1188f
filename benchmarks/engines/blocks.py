"""Times calls in blocks that take turns: the engines' pools of threads disturb each other, call by call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

Call = Callable[[], object]


def seconds_in_blocks(calls: Mapping[str, Call], n_blocks: int, n_calls: int) -> dict[str, float]:
    """Return the median time (s) of each call.

    Args:
        calls: by name.
        n_blocks: how often each has its turn; in a turn its first tenth warms up and does not count.
        n_calls: in a turn.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(n_blocks):
        for name, call in calls.items():
            for number in range(n_calls):
                start = time.perf_counter()
                call()
                if number >= n_calls // 10:
                    times[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in times.items()}
