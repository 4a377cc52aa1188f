"""Interpolation against torch's, and against what is true by construction."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodulus.transforms.patches.trilinear import interpolate

shapes = st.tuples(*[st.integers(1, 9)] * 3)


@settings(deadline=None)
@given(shapes, st.integers(0, 2**16))
def test_as_torch_does_it_within_and_beyond_the_slab(shape: tuple[int, int, int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    slab = draw.uniform(-1000, 1000, shape).astype(np.float32)
    index = draw.uniform(-1.5, np.asarray(shape)[:, None] + 0.5, (3, 50))
    extent = np.maximum(np.asarray(shape) - 1, 1)[::-1]
    grid = torch.from_numpy(index[::-1].T * (2 / extent) - 1).reshape(1, 1, 1, -1, 3)
    image = torch.from_numpy(slab.astype(np.float64))[None, None]
    expected = torch.nn.functional.grid_sample(image, grid, padding_mode="border", align_corners=True).reshape(-1)
    np.testing.assert_allclose(interpolate(slab, index), expected.numpy(), atol=1e-3)


@given(shapes)
def test_at_voxels_it_is_their_value(shape: tuple[int, int, int]) -> None:
    slab = np.random.default_rng(0).uniform(-1000, 1000, shape).astype(np.float32)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).reshape(3, -1).astype(np.float64)
    np.testing.assert_allclose(interpolate(slab, index), slab.ravel(), atol=1e-3)


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=4, max_size=4), st.integers(0, 99))
def test_of_a_linear_slab_it_is_exact(terms: list[float], seed: int) -> None:
    def value(x: object, y: object, z: object) -> object:
        return terms[0] + terms[1] * x + terms[2] * y + terms[3] * z  # type: ignore[operator]

    slab = np.asarray(value(*np.indices((6, 5, 4))), dtype=np.float32)
    index = np.random.default_rng(seed).uniform(0, [[5], [4], [3]], (3, 40))
    np.testing.assert_allclose(interpolate(slab, index), np.asarray(value(*index), dtype=np.float64), atol=1e-3)
