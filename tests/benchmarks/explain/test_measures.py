"""The measures of a map, on maps and networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("captum", reason="extra bench")
from benchmarks.explain.measures import fall_by_deletion, heat_of, points_at, rank_correlation, share_within
from benchmarks.explain.methods import CANDIDATES, CONTROLS, Margin, blurred
from benchmarks.explain.random_weights import STAGE_NAMES, cascade
from benchmarks.explain.views import View, on_grid_of

SIZE = 9
RANDOM = np.random.default_rng(0)


def view(patch: np.ndarray, affine: np.ndarray | None = None) -> View:
    is_shown = np.zeros((SIZE,) * 3, dtype=bool)
    is_shown[1:8, 1:8, 2:7] = True
    return View(
        torch.from_numpy(patch.astype(np.float32))[None, None], is_shown, 4.0, np.eye(4) if affine is None else affine
    )


class OneVoxel(torch.nn.Module):
    """A network whose malignant logit is the value of one voxel."""

    def __init__(self, voxel: tuple[int, int, int]) -> None:
        super().__init__()
        self.voxel = voxel

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        x, y, z = self.voxel
        looked_at = patches[:, 0, x, y, z]
        return torch.stack([torch.zeros_like(looked_at), looked_at], dim=1)


@pytest.mark.parametrize("name", [name for name in CANDIDATES if "CAM" not in name])
@pytest.mark.parametrize("voxel", [(4, 4, 4), (2, 6, 3), (7, 1, 6)])
def test_the_map_of_a_network_of_one_voxel_is_hottest_there(name: str, voxel: tuple[int, int, int]) -> None:
    seen = view(RANDOM.uniform(0.5, 1.0, (SIZE,) * 3))
    heat = heat_of(CANDIDATES[name](Margin(OneVoxel(voxel)))(seen), seen.is_shown)
    hottest = np.argwhere(heat == heat.max())
    # Occlusion by cubes is as hot in a whole plateau: its middle is meant.
    assert np.abs(hottest.mean(axis=0) - voxel).max() <= 1.5


@pytest.mark.parametrize("voxel", [(4, 4, 4), (2, 6, 3), (7, 1, 6)])
def test_deleting_the_voxel_that_counts_first_makes_the_margin_fall_at_once(voxel: tuple[int, int, int]) -> None:
    seen, margin = view(np.full((SIZE,) * 3, 0.8)), Margin(OneVoxel(voxel))
    values = np.zeros((SIZE,) * 3, dtype=np.float32)
    values[voxel] = 1
    first = fall_by_deletion(margin.without_gradients, seen, values, RANDOM)
    last = fall_by_deletion(margin.without_gradients, seen, -values, RANDOM)
    assert first == pytest.approx(0.8, abs=0.8 * 0.01)  # from the first step, a hundredth, on
    assert last == pytest.approx(0.0, abs=0.8 * 0.1)  # at the last step, a tenth, alone


@pytest.mark.parametrize("seed", range(4))
def test_ranks_know_order_alone(seed: int) -> None:
    random = np.random.default_rng(seed)
    where = random.random((SIZE,) * 3) < 0.5
    one = random.normal(size=(SIZE,) * 3).astype(np.float32)
    assert rank_correlation(one, np.exp(one), where) == pytest.approx(1)
    assert rank_correlation(one, -one, where) == pytest.approx(-1)
    assert rank_correlation(one, np.zeros_like(one), where) == 0
    assert abs(rank_correlation(one, random.normal(size=one.shape).astype(np.float32), where)) < 0.25


def test_heat_in_the_mask_and_the_pointing_game() -> None:
    is_nodule = np.zeros((SIZE,) * 3, dtype=bool)
    is_nodule[4:6, 4:6, 4:6] = True
    heat = np.zeros((SIZE,) * 3, dtype=np.float32)
    heat[5, 5, 5], heat[7, 7, 4] = 3, 1
    assert share_within(heat, is_nodule) == 0.75
    assert points_at(heat, is_nodule)
    assert not points_at(np.roll(heat, 2, axis=0), is_nodule)
    nothing = np.zeros_like(heat)
    assert share_within(nothing, is_nodule) == 0
    assert not points_at(nothing, is_nodule)


@pytest.mark.parametrize("steps", [(1, 0, 0), (0, -1, 0), (0, 0, 1), (1, -2, 1)])
def test_a_shifted_patch_is_laid_over_the_first_where_it_lies_in_the_patient(steps: tuple[int, int, int]) -> None:
    world = RANDOM.normal(size=(SIZE + 4,) * 3)
    moved = np.eye(4)
    moved[:3, 3] = steps
    at = tuple(slice(2 + step, 2 + step + SIZE) for step in steps)
    inner = (slice(2, -2),) * 3
    laid = on_grid_of(view(world[inner]), world[at], view(world[at], moved))
    assert np.array_equal(laid[inner], world[inner][inner])


def test_margins_are_the_same_without_gradients_and_beside_hooks(bundle_network: torch.nn.Module) -> None:
    margin = Margin(bundle_network)
    seen = View(torch.rand(1, 1, 33, 33, 17), np.ones((33, 33, 17), dtype=bool), 4.0, np.diag([0.5, 0.5, 1.0, 1.0]))
    CANDIDATES["Grad-CAM, layer 1"](margin)(seen)
    patches = torch.rand(3, 1, 33, 33, 17)
    with torch.no_grad():
        expected = margin(patches)
    assert margin.without_gradients(patches).numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_lengths_are_millimetres_whatever_the_voxels() -> None:
    shape, spacing_mm = (41, 41, 21), np.array([0.5, 0.5, 1.0])
    seen = View(torch.full((1, 1, *shape), 0.8), np.ones(shape, dtype=bool), 8.0, np.diag([*spacing_mm, 1.0]))
    middle = np.zeros(shape)
    middle[20, 20, 10] = 1
    maps = [CONTROLS["ball of the diameter"](Margin(OneVoxel((20, 20, 10))))(seen), blurred(middle, 2.0 / spacing_mm)]
    for each in maps:
        for beside in ((28, 20, 10), (20, 28, 10), (20, 20, 14)):  # 4 mm away
            assert each[beside] == pytest.approx(each[28, 20, 10], rel=0.03)
        assert each[20, 20, 10] > 1.5 * each[28, 20, 10]
    heat = CANDIDATES["occlusion, 5 mm"](Margin(OneVoxel((20, 20, 10))))(seen)
    reach_mm = np.ptp(np.argwhere(heat > 0), axis=0) * spacing_mm
    assert (reach_mm >= 5).all()
    assert (reach_mm <= 11).all()


def test_the_cascade_makes_one_layer_after_the_other_random(bundle_network: torch.nn.Module) -> None:
    trained = {name: value.clone() for name, value in bundle_network.named_parameters()}
    changed_before: set[str] = set()
    for stage, network in cascade(bundle_network, seed=0):
        changed = {name for name, value in network.named_parameters() if not torch.equal(value, trained[name])}
        tops = {name.split(".")[0] for name in changed}
        assert stage in tops
        assert changed_before < changed
        changed_before = changed
    assert tops == {"fc", "layer1", "layer2", "layer3", "layer4", "conv1"} | (tops & {"bn1"})
    assert stage == STAGE_NAMES[-1]
    assert all(torch.equal(value, trained[name]) for name, value in bundle_network.named_parameters())


@pytest.fixture(scope="module")
def bundle_network() -> torch.nn.Module:
    from monai.networks.nets import ResNet

    network: torch.nn.Module = ResNet(
        "basic", [1, 1, 1, 1], [4, 4, 8, 8], spatial_dims=3, n_input_channels=1, num_classes=10, shortcut_type="B"
    )
    return network.eval()
