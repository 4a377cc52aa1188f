"""Slices to scroll through show what lies where, whatever the orientation of the scan, and fit into a page."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.pictures.overview import overview_of
from nodulus.pipeline.pictures.slices import MOST_BYTES, N_SLICES, SliceStrip, draw_strips, overview_webp
from nodulus.pipeline.pictures.views import NOT_SCANNED_COLOUR
from nodulus.transforms.geometry import Grid
from nodulus.transforms.volume import CTVolume, volume_from_array
from tests.support.results import small_scan

CENTER_LPS_MM = np.array([4.0, -6.0, 10.0])
# From the nodule's centre: to the left, to the back and to the head, by different lengths.
MARK_MM = np.array([6.0, 8.0, 4.0])
TURNS = {
    "as it lies": np.eye(3),
    "mirrored": np.diag([-1.0, 1.0, -1.0]),
    "axes exchanged": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "oblique": np.linalg.qr(np.array([[1.0, 0.2, 0.1], [-0.2, 1.0, 0.3], [0.0, -0.3, 1.0]]))[0],
}


def marked_scan(turn: NDArray[np.float64]) -> CTVolume:
    """Return a scan of lung whose one bright ball lies off the nodule's centre."""
    n, spacing_mm = 48, 2.0
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing_mm
    affine[:3, 3] = CENTER_LPS_MM - affine[:3, :3] @ np.full(3, (n - 1) / 2)
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    places_mm = index @ affine[:3, :3].T + affine[:3, 3]
    distance = np.linalg.norm(places_mm - (CENTER_LPS_MM + MARK_MM), axis=-1)
    return volume_from_array(np.where(distance < 4, 100, -900).astype(np.float32), Grid((n, n, n), affine))


def tiles(strip: SliceStrip) -> NDArray[np.float64]:
    """Return the pictures of a strip, (slice, down, across), their mean colour."""
    picture = np.asarray(Image.open(io.BytesIO(strip.webp)).convert("RGB"), dtype=np.float64).mean(axis=-1)
    return np.asarray(picture.reshape(strip.n_slices, -1, picture.shape[1]))


@pytest.mark.parametrize("name", TURNS)
def test_a_mark_is_seen_where_it_lies(name: str) -> None:
    strips = draw_strips(marked_scan(TURNS[name]), Nodule("a", (4.0, -6.0, 10.0), 12.0))
    assert [strip.plane.name for strip in strips] == ["Axial", "Coronal", "Sagittal"]
    for strip in strips:
        seen, plane = tiles(strip), strip.plane
        assert seen.shape == (N_SLICES, seen.shape[2], seen.shape[2])
        bright = np.argwhere(seen > 150).mean(axis=0)
        pixel_mm = strip.field_mm / (seen.shape[2] - 1)
        number, down, across = (bright - [N_SLICES // 2, seen.shape[1] // 2, seen.shape[2] // 2]).tolist()
        assert number * strip.step_mm == pytest.approx(MARK_MM[plane.normal], abs=0.6)
        assert down * pixel_mm == pytest.approx(plane.down_sign * MARK_MM[plane.down], abs=0.6)
        assert across * pixel_mm == pytest.approx(MARK_MM[plane.across], abs=0.6)
        assert strip.offsets_mm[N_SLICES // 2] == 0


@pytest.mark.parametrize("diameter_mm", [1.0, 12.0, 30.0, 100.0])
def test_the_box_lies_in_the_picture_and_most_of_it_in_the_slices(diameter_mm: float) -> None:
    for strip in draw_strips(small_scan(), Nodule("a", (0.0, 0.0, 0.0), diameter_mm)):
        assert strip.field_mm > 1.25 * diameter_mm + 10
        assert strip.offsets_mm[-1] >= 0.4 * diameter_mm
        assert strip.edge_mm > strip.field_mm / 2


def test_what_was_not_scanned_has_a_colour_of_its_own() -> None:
    at_the_edge = draw_strips(small_scan(), Nodule("a", (34.0, 0.0, 0.0), 8.0))
    assert not any(strip.is_whole for strip in at_the_edge)
    picture = np.asarray(Image.open(io.BytesIO(at_the_edge[0].webp)).convert("RGB"), dtype=np.int64)
    colour = np.array(list(bytes.fromhex(NOT_SCANNED_COLOUR.removeprefix("#"))))
    left, right = picture[:, :20], picture[:, -20:]
    assert np.abs(right - colour).max() < 12
    assert np.abs(left - colour).max(axis=-1).min() > 12


def test_a_strip_of_noise_fits_too() -> None:
    for strip in draw_strips(small_scan(noise_hu=700), Nodule("a", (0.0, 0.0, 0.0), 12.0)):
        assert 10_000 < len(strip.webp) <= MOST_BYTES


@pytest.mark.parametrize("noise_hu", [0.0, 50.0])
def test_the_overview_is_a_picture_of_the_whole_scan(noise_hu: float) -> None:
    overview = overview_of(small_scan(noise_hu))
    picture = Image.open(io.BytesIO(overview_webp(overview)))
    assert picture.size == overview.brightness.shape[::-1]
