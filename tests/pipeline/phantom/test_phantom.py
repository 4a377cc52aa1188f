"""The phantom's chest: that it is the same each time, and that its tissues are what they should be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from nodulus.pipeline.phantom import DEFAULT_NODULES, Phantom, PhantomNodule, PhantomSpec, make_phantom
from nodulus.pipeline.phantom.vessels import points_in_lungs_mm
from nodulus.transforms.geometry import Triple

COARSE = PhantomSpec(size_xyz=(44, 40, 36), spacing_mm=(8.0, 8.0, 8.0), nodules=(), noise_hu=0.0)
NOISY = PhantomSpec(size_xyz=(20, 18, 6), spacing_mm=(1.5, 1.5, 3.0), origin_lps_mm=(-75.0, -10.0, -118.0))


def around(center_lps_mm: Triple, size: int = 5, spacing_mm: float = 1.2) -> PhantomSpec:
    """A small window without noise or nodules."""
    corner = np.array(center_lps_mm) - (size - 1) / 2 * spacing_mm
    x, y, z = corner.tolist()
    return PhantomSpec((size,) * 3, (spacing_mm,) * 3, nodules=(), origin_lps_mm=(x, y, z), noise_hu=0.0)


@pytest.fixture(scope="module")
def coarse() -> Phantom:
    return make_phantom(COARSE)


@pytest.mark.parametrize(
    ("center_lps_mm", "expected_hu", "tolerance_hu"),
    [
        pytest.param((0, -165, 0), -1000, 1, id="air before the chest"),
        pytest.param((-150, 0, -60), -102, 8, id="fat under the skin"),
        pytest.param((26, 88, -20), 52, 8, id="muscle along the spine"),
        pytest.param((0, -8, -40), 50, 8, id="wall of the heart"),
        pytest.param((36, -28, -54), 38, 8, id="blood in the left ventricle"),
        pytest.param((24, 42, -30), 42, 8, id="descending aorta"),
        pytest.param((-60, 0, -112), 58, 8, id="liver"),
        pytest.param((0, -12, 100), -985, 10, id="windpipe"),
        pytest.param((62, -42, -112), -995, 10, id="bubble in the stomach"),
        pytest.param((0, 47, -28), 190, 40, id="marrow of a vertebra"),
        pytest.param((0, 67, -28), 40, 10, id="spinal cord"),
    ],
)
def test_tissue_has_the_density_it_is_known_for(center_lps_mm: Triple, expected_hu: float, tolerance_hu: float) -> None:
    intensity = make_phantom(around(center_lps_mm)).intensity_hu
    assert float(np.median(intensity)) == pytest.approx(expected_hu, abs=tolerance_hu)


def test_lungs_hold_air_and_get_denser_towards_the_back(coarse: Phantom) -> None:
    places_mm = points_in_lungs_mm(400, 12.0, np.random.default_rng(0))
    voxels = np.rint((places_mm - coarse.affine_lps[:3, 3]) / coarse.spec.spacing_mm).astype(int)
    hu = coarse.intensity_hu[tuple(voxels.T)]
    is_front = places_mm[:, 1] < np.median(places_mm[:, 1])
    assert -900 < float(np.median(hu)) < -820
    assert np.median(hu[is_front]) + 10 < np.median(hu[~is_front])


def test_bone_is_seen_in_every_slice_and_never_denser_than_bone(coarse: Phantom) -> None:
    assert (coarse.intensity_hu.max(axis=(0, 1)) > 200).all()
    assert coarse.intensity_hu.max() < 1000


def test_ribs_fall_from_the_back_to_the_front() -> None:
    flank = replace(COARSE, size_xyz=(1, 32, 60), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-136.0, -30.0, -120.0))
    bone = make_phantom(flank).intensity_hu[0] > 220
    front, back = bone[:-10], bone[10:]
    lags_mm = range(-12, 13, 2)
    overlap = [float((np.roll(front, lag_mm // 2, axis=1) & back)[:, 8:-8].sum()) for lag_mm in lags_mm]
    # Twenty millimetres forward, eleven down; lifting the front by as much lays it on the back.
    assert lags_mm[int(np.argmax(overlap))] in (10, 12)


def test_same_spec_gives_the_same_voxels() -> None:
    first, second = make_phantom(NOISY), make_phantom(NOISY)
    np.testing.assert_array_equal(first.intensity_hu, second.intensity_hu)


def test_different_seeds_give_different_vessels_and_noise(coarse: Phantom) -> None:
    other = make_phantom(replace(COARSE, seed=1))
    assert (other.intensity_hu != coarse.intensity_hu).any()
    assert (make_phantom(NOISY).intensity_hu != make_phantom(replace(NOISY, seed=1)).intensity_hu).mean() > 0.9


def test_noise_has_the_deviation_asked_for() -> None:
    quiet, noisy = make_phantom(replace(NOISY, noise_hu=0.0)), make_phantom(replace(NOISY, noise_hu=25.0))
    noise = noisy.intensity_hu.astype(float) - quiet.intensity_hu
    assert float(noise.std()) == pytest.approx(25.0, rel=0.1)
    assert abs(float(noise.mean())) < 4


def test_default_nodules_show_every_texture_and_margin_and_lie_in_the_lungs() -> None:
    assert {each.texture for each in DEFAULT_NODULES} == {"solid", "part_solid", "ground_glass"}
    assert {each.margin for each in DEFAULT_NODULES} == {"smooth", "lobulated", "spiculated"}
    for nodule in DEFAULT_NODULES:
        assert float(np.median(make_phantom(around(nodule.center_lps_mm)).intensity_hu)) < -780


def test_phantom_of_another_grid_shows_the_same_chest(coarse: Phantom) -> None:
    turn = np.deg2rad(17.0)
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    oblique = replace(COARSE, direction_lps=((1.0, 0.0, 0.0), (0.0, cosine, -sine), (0.0, sine, cosine)))
    seen = make_phantom(oblique)
    expected = sitk.Resample(_as_image(coarse), _as_image(seen), sitk.Transform(), sitk.sitkLinear, 9999.0)
    expected_hu = sitk.GetArrayFromImage(expected).T
    inside = expected_hu < 9000
    assert inside.mean() > 0.5
    assert np.corrcoef(expected_hu[inside], seen.intensity_hu[inside])[0, 1] > 0.95


def test_middle_of_the_grid_is_the_middle_of_the_chest() -> None:
    spec = PhantomSpec(size_xyz=(7, 5, 3), spacing_mm=(1.0, 2.0, 3.0))
    np.testing.assert_allclose(spec.affine_lps @ (3, 2, 1, 1), (0, 0, 0, 1))


def test_affine_of_the_phantom_is_the_caller_s_own() -> None:
    phantom = make_phantom(around((0, 0, 0)))
    phantom.affine_lps[:] = 0
    assert phantom.spec.affine_lps[3, 3] == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PhantomNodule("a", (0, 0, 0), 0.0), "positive diameter_mm, got 0.0 in nodule 'a'"),
        (lambda: PhantomSpec(spacing_mm=(1.0, 0.0, 1.0)), "positive spacing_mm"),
        (lambda: PhantomSpec(size_xyz=(4, 0, 4)), "at least one voxel"),
        (lambda: PhantomSpec(direction_lps=((1, 0.1, 0), (0, 1, 0), (0, 0, 1))), "orthonormal"),
    ],
)
def test_impossible_requests_are_refused_by_name(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_importing_the_phantom_loads_no_deep_learning() -> None:
    code = "import sys, nodulus.pipeline.phantom; print({'torch', 'monai', 'ignite'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def _as_image(phantom: Phantom) -> sitk.Image:
    values: NDArray[np.float32] = phantom.intensity_hu.T.astype(np.float32)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(phantom.spec.spacing_mm)
    image.SetOrigin(phantom.affine_lps[:3, 3].tolist())
    image.SetDirection(np.array(phantom.spec.direction_lps).ravel().tolist())
    return image
