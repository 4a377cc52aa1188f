"""Growth is told from what processes hold while many cases are done, not from one moment of a big scan."""

from __future__ import annotations

import pytest

from benchmarks.scale.watch import Sample, Watched


def watched(mib_of: dict[int, list[float]], every: int = 10) -> Watched:
    """Return samples of some processes, one every so many cases."""
    n_samples = max(map(len, mib_of.values()))
    samples = [
        Sample(float(k), k * every, {pid: held[k] for pid, held in mib_of.items() if k < len(held)})
        for k in range(n_samples)
    ]
    return Watched(samples=[*samples, Sample(float(n_samples), n_samples * every, {})])


@pytest.mark.parametrize(
    ("held", "growth"),
    [
        ([400.0, 430.0] * 50, 1.0),  # up and down, as scans differ
        ([400.0 + k for k in range(100)], 499 / 419),  # a megabyte each ten cases
        ([400.0] * 99 + [500.0], 1.25),
        ([50.0] * 10 + [90.0] * 90, 1.0),  # what holds next to nothing is left out
    ],
)
def test_growth_is_that_of_the_most_that_a_process_holds(held: list[float], growth: float) -> None:
    assert watched({1: held}).growth(100) == pytest.approx(growth)


def test_a_process_that_ended_before_counts_for_nothing() -> None:
    assert watched({1: [400.0] * 100, 2: [900.0] * 40}).growth(100) == 1.0
    assert watched({1: [400.0] * 100, 2: [300.0] * 50 + [330.0] * 50}).growth(100) == pytest.approx(1.1)
