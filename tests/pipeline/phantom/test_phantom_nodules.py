"""The phantom's nodules: volume, place and density as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nodulus.pipeline.phantom import NoduleMargin, NoduleTexture, PhantomNodule, PhantomSpec, make_phantom
from nodulus.pipeline.phantom.grid import PhantomGrid
from nodulus.pipeline.phantom.nodules import paint_nodule
from nodulus.pipeline.phantom.outline import Outline, evenly_spread_directions

LUNG_HU, SOLID_HU = -850.0, 42.0
MARGINS: tuple[NoduleMargin, ...] = ("smooth", "lobulated", "spiculated")
IN_THE_LUNG = (-77.0, -44.0, -1.0)
WINDOW = PhantomSpec(
    size_xyz=(26, 26, 22), spacing_mm=(1.0, 1.0, 1.2), nodules=(), origin_lps_mm=(-89.5, -56.5, -13.6), noise_hu=0.0
)


def painted(nodule: PhantomNodule, spec: PhantomSpec) -> NDArray[np.float64]:
    """Share of a solid nodule in each voxel (x, y, z) of an empty lung."""
    grid = PhantomGrid(spec)
    hu = np.full(grid.shape_zyx, LUNG_HU, dtype=np.float32)
    paint_nodule(hu, grid, nodule, spec.seed)
    return np.asarray((hu.T.astype(np.float64) - LUNG_HU) / (SOLID_HU - LUNG_HU))


def volume_of_sphere_mm3(diameter_mm: float) -> float:
    return float(np.pi / 6 * diameter_mm**3)


def rotation(angles: Sequence[float]) -> tuple[tuple[float, float, float], ...]:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return tuple((float(a), float(b), float(c)) for a, b, c in matrix)


@settings(max_examples=12, deadline=None)
@given(
    diameter_mm=st.floats(5, 18),
    spacing_mm=st.tuples(st.floats(0.7, 1.6), st.floats(0.7, 1.6), st.floats(0.8, 3.0)),
    center_mm=st.tuples(*[st.floats(-2, 2)] * 3),
    angles=st.tuples(*[st.floats(-0.6, 0.6)] * 3),
)
def test_smooth_nodule_has_the_volume_and_place_of_its_sphere_in_any_grid(
    diameter_mm: float,
    spacing_mm: tuple[float, float, float],
    center_mm: tuple[float, float, float],
    angles: tuple[float, float, float],
) -> None:
    n_x, n_y, n_z = (int(26 / spacing) + 2 for spacing in spacing_mm)
    first, second, third = rotation(angles)
    spec = PhantomSpec((n_x, n_y, n_z), spacing_mm, nodules=(), direction_lps=(first, second, third))
    share = painted(PhantomNodule("a", center_mm, diameter_mm), spec)
    volume_mm3 = share.sum() * np.prod(spacing_mm)
    assert volume_mm3 == pytest.approx(volume_of_sphere_mm3(diameter_mm), rel=0.03)
    middle_voxel = [
        float((share.sum(axis=others) * np.arange(size)).sum() / share.sum())
        for size, others in zip(share.shape, ((1, 2), (0, 2), (0, 1)), strict=True)
    ]
    middle_mm = (spec.affine_lps @ [*middle_voxel, 1])[:3]
    np.testing.assert_allclose(middle_mm, center_mm, atol=0.15)


@pytest.mark.parametrize("diameter_mm", [5.0, 9.0, 20.0])
def test_lobulated_nodule_has_the_volume_of_its_sphere_but_not_its_shape(diameter_mm: float) -> None:
    spec = PhantomSpec((40, 40, 30), (1.0, 1.0, 1.3), nodules=())
    lobulated = painted(PhantomNodule("a", (0, 0, 0), diameter_mm, margin="lobulated"), spec)
    smooth = painted(PhantomNodule("a", (0, 0, 0), diameter_mm), spec)
    assert lobulated.sum() * 1.3 == pytest.approx(volume_of_sphere_mm3(diameter_mm), rel=0.03)
    assert np.abs(lobulated - smooth).sum() > 0.08 * smooth.sum()


def test_spicules_reach_beyond_the_body_of_a_spiculated_nodule() -> None:
    spec = PhantomSpec((44, 44, 44), (0.8, 0.8, 0.8), nodules=())
    share = painted(PhantomNodule("a", (0, 0, 0), 12.0, margin="spiculated"), spec)
    voxel_mm = np.stack(np.meshgrid(*[(np.arange(44) - 21.5) * 0.8] * 3, indexing="ij"))
    distance_mm = np.sqrt((voxel_mm**2).sum(axis=0))
    beyond = distance_mm > 8.5
    assert share[beyond].max() > 0.3
    assert 0 < (share[beyond] > 0.1).mean() < 0.05
    assert 1.0 < share.sum() * 0.8**3 / volume_of_sphere_mm3(12.0) < 1.5


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize(
    ("texture", "center_hu", "rim_hu"),
    [("solid", 42.0, 42.0), ("part_solid", 25.0, -600.0), ("ground_glass", -600.0, -600.0)],
)
def test_nodule_is_as_dense_as_its_texture_says(
    texture: NoduleTexture, margin: NoduleMargin, center_hu: float, rim_hu: float
) -> None:
    nodule = PhantomNodule("a", IN_THE_LUNG, 16.0, texture, margin)
    hu = make_phantom(replace(WINDOW, nodules=(nodule,))).intensity_hu
    x, y, z = np.rint(np.linalg.inv(WINDOW.affine_lps) @ (*IN_THE_LUNG, 1))[:3].astype(int).tolist()
    assert float(np.median(hu[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2])) == pytest.approx(center_hu, abs=40)
    rim = [int(hu[x + 6, y, z]), int(hu[x - 6, y, z]), int(hu[x, y + 6, z]), int(hu[x, y - 6, z]), int(hu[x, y, z + 5])]
    assert float(np.median(rim)) == pytest.approx(rim_hu, abs=60)


def test_calcified_nodule_is_dense_as_bone_in_the_middle() -> None:
    nodule = PhantomNodule("a", IN_THE_LUNG, 10.0, is_calcified=True)
    assert make_phantom(replace(WINDOW, nodules=(nodule,))).intensity_hu[12:14, 12:14, 10:12].mean() > 400


def test_nodule_changes_nothing_far_from_it_and_never_thins_what_is_there() -> None:
    nodule = PhantomNodule("a", IN_THE_LUNG, 8.0, "ground_glass")
    before = make_phantom(WINDOW).intensity_hu.astype(int)
    after = make_phantom(replace(WINDOW, nodules=(nodule,))).intensity_hu.astype(int)
    assert (after >= before).all()
    changed = np.argwhere(after != before)
    distance_mm = np.linalg.norm(
        (changed + 0.0) @ np.diag(WINDOW.spacing_mm) + (-89.5, -56.5, -13.6) - IN_THE_LUNG, axis=1
    )
    assert 0 < distance_mm.max() < 4 + 1.9


def test_nodule_keeps_its_shape_in_any_company() -> None:
    first = PhantomNodule("a", IN_THE_LUNG, 9.0, "part_solid", "spiculated")
    far = PhantomNodule("b", (80.0, 0.0, 0.0), 9.0, "ground_glass", "lobulated")
    alone, together = (make_phantom(replace(WINDOW, nodules=nodules)) for nodules in ((first,), (far, first)))
    np.testing.assert_array_equal(alone.intensity_hu, together.intensity_hu)


def test_seed_decides_the_shape_of_a_nodule() -> None:
    spec = PhantomSpec((30, 30, 30), (1.0, 1.0, 1.0), nodules=())
    nodule = PhantomNodule("a", (0, 0, 0), 14.0, margin="lobulated")
    assert np.abs(painted(nodule, spec) - painted(nodule, replace(spec, seed=1))).max() > 0.5


def test_nodule_outside_the_grid_is_left_out_in_silence() -> None:
    spec = PhantomSpec((10, 10, 10), (1.0, 1.0, 1.0), nodules=())
    assert painted(PhantomNodule("a", (90, 0, 0), 10.0, margin="spiculated"), spec).max() == pytest.approx(0, abs=1e-6)


def test_outline_turned_is_the_outline_seen_from_elsewhere() -> None:
    random = np.random.default_rng(0)
    outline = Outline(5.0, evenly_spread_directions(7), random.uniform(0.2, 0.5, 7), 6.0)
    turn = np.array(rotation((0.3, -0.8, 1.1)))
    seen = evenly_spread_directions(50)
    np.testing.assert_allclose(
        outline.turned(turn).radius_at((seen @ turn).astype(np.float32)), outline.radius_at(seen.astype(np.float32)),
        rtol=5e-3,
    )  # fmt: skip
