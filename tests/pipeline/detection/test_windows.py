"""The windows fit into the memory that was named, cover the scan as MONAI lays them, and are told of one by one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices
from monai.inferers import SlidingWindowInferer

from nodulus.pipeline.detection.windows import (
    BYTES_PER_VOXEL,
    WindowNetwork,
    fitting_window,
    n_windows,
    window_inferer,
)

ZOO_WINDOW, DIVISIBLE = (512, 512, 192), (16, 16, 8)
SIDES = st.tuples(*3 * [st.integers(1, 700)])


@pytest.mark.parametrize(
    ("image", "memory_gb", "window"),
    [
        ((512, 512, 266), 100.0, (512, 512, 192)),
        ((512, 512, 266), 4.0, (256, 256, 192)),
        ((400, 300, 100), 100.0, (400, 304, 104)),
        ((512, 512, 266), 0.1, (64, 128, 32)),
        ((512, 512, 266), 0.0001, (64, 64, 32)),
    ],
)
def test_windows_of_the_zoos_bundle(image: tuple[int, int, int], memory_gb: float, window: tuple[int, ...]) -> None:
    assert fitting_window(ZOO_WINDOW, image, DIVISIBLE, memory_gb) == window


@given(SIDES, st.floats(0.05, 20))
def test_a_window_fits_and_its_steps_fall_on_the_coarsest_map(image: tuple[int, int, int], memory_gb: float) -> None:
    window = fitting_window(ZOO_WINDOW, image, DIVISIBLE, memory_gb)
    assert math.prod(window) * BYTES_PER_VOXEL <= memory_gb * 1e9
    for side, n, divisor, largest in zip(window, image, DIVISIBLE, ZOO_WINDOW, strict=True):
        assert side % divisor == 0
        assert 0 < side <= max(largest, divisor)
        assert side >= n or int(side * 0.75) % divisor == 0


@settings(deadline=None)
@given(SIDES, st.tuples(*3 * [st.integers(32, 200)]), st.sampled_from([0.0, 0.25, 0.5]))
def test_the_number_of_windows_is_monais(
    image: tuple[int, int, int], window: tuple[int, int, int], overlap: float
) -> None:
    steps = [w if w >= n else max(1, int(w * (1 - overlap))) for w, n in zip(window, image, strict=True)]
    padded = [max(w, n) for w, n in zip(window, image, strict=True)]
    assert n_windows(window, image, overlap) == len(dense_patch_slices(padded, window, steps))


class _Halved(torch.nn.Module):
    """Gives two maps of other sizes, as a RetinaNet does, in the type that it computes in."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv3d(1, 1, 1, bias=False)
        torch.nn.init.ones_(self.convolution.weight)

    def forward(self, images: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        found = self.convolution(images)
        pooled = [torch.nn.functional.max_pool3d(found, size) for size in (2, 4)]
        return {"classification": pooled, "box_regression": [-each for each in pooled]}


@pytest.mark.parametrize("bf16", [False, True])
def test_each_window_is_told_of_and_what_comes_back_is_float32(bf16: bool) -> None:
    told: list[tuple[str, int, int]] = []
    network = WindowNetwork(_Halved(), lambda *each: told.append(each), 4, bf16=bf16)
    image = torch.rand(1, 1, 32, 48, 16, generator=torch.Generator().manual_seed(0))
    like = SlidingWindowInferer((160, 160, 160), overlap=0.25, mode="constant")
    window = (16, 48, 16)
    inferer = window_inferer(like, window, torch.device("cpu"))
    with torch.no_grad():
        (fine, coarse) = inferer(image, lambda part: tuple(network(part)["classification"]))
        expected = _Halved()(image)["classification"]
    assert [fine.dtype, coarse.dtype] == [torch.float32, torch.float32]
    of = n_windows(window, (32, 48, 16), 0.25)
    assert told == [("detecting, window", n, 4) for n in range(1, of + 1)]
    torch.testing.assert_close(fine, expected[0], atol=0.01 if bf16 else 0, rtol=0)
    torch.testing.assert_close(coarse, expected[1], atol=0.01 if bf16 else 0, rtol=0)
