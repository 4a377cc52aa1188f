"""Regions are those that scipy finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from nodulus.transforms.gate.regions import regions_of


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.floats(0.2, 0.8), st.integers(0, 9999))
def test_they_are_those_of_scipy(n_rows: int, n_columns: int, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((n_rows, n_columns)) < share
    labelled, n_regions = ndimage.label(mask)
    found = regions_of(mask)
    assert len(found) == n_regions
    expected = {frozenset(np.flatnonzero(labelled.ravel() == number)) for number in range(1, n_regions + 1)}
    assert {frozenset(np.ravel_multi_index(region, mask.shape).tolist()) for region in found} == expected


def test_a_ring_about_a_dot_is_two() -> None:
    mask = np.ones((7, 7), dtype=bool)
    mask[2:5, 2:5] = False
    mask[3, 3] = True
    assert sorted(len(rows) for rows, _ in regions_of(mask)) == [1, 40]
