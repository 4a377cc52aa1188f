"""The pictures: sides and positions are where a radiologist expects them, and outside is told from air."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.pictures.overview import overview_of
from nodulus.pipeline.pictures.views import FIELD_MM, PLANES, Caption, draw_nodule_views, nodule_views, sampled_hu
from nodulus.transforms.geometry import Grid, affine_from
from nodulus.transforms.volume import CTVolume, volume_from_array

CENTER_LPS_MM = (10.0, -20.0, 30.0)


def marked_volume() -> CTVolume:
    """Return lung with one bright ball left of, one behind and one above the centre (LPS: +x, +y, +z)."""
    grid = Grid((80, 80, 60), affine_from((130.0, 100.0, -60.0), np.diag([-1.0, -1.0, 1.0]), (3.0, 3.0, 3.0)))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size_xyz], indexing="ij"), axis=-1)
    points = grid.lps_from_voxel(index)
    hu = np.full(grid.size_xyz, -850, dtype=np.float32)
    for offset in ((30, 0, 0), (0, 30, 0), (0, 0, 30)):
        hu[np.linalg.norm(points - np.add(CENTER_LPS_MM, offset), axis=-1) < 6] = 100
    return volume_from_array(hu, grid)


@pytest.mark.parametrize(
    ("plane", "bright"),
    [
        ("Axial", {"right", "bottom"}),  # the patient's left on the right, the back at the bottom
        ("Coronal", {"right", "top"}),
        ("Sagittal", {"right", "top"}),  # the back on the right
    ],
)
def test_each_plane_is_hung_as_radiologists_hang_it(plane: str, bright: set[str]) -> None:
    chosen = next(one for one in PLANES if one.name == plane)
    picture = sampled_hu(marked_volume(), CENTER_LPS_MM, chosen)
    middle, off = picture.shape[0] // 2, round(30 / FIELD_MM * (picture.shape[0] - 1))
    at = {
        "left": picture[middle, middle - off],
        "right": picture[middle, middle + off],
        "top": picture[middle - off, middle],
        "bottom": picture[middle + off, middle],
    }
    assert {side for side, value in at.items() if value > 0} == bright


def test_what_was_not_scanned_is_nan() -> None:
    picture = sampled_hu(marked_volume(), (10.0, -20.0, -60.0), PLANES[1])
    assert np.isnan(picture[-1]).all()
    assert np.isfinite(picture[0]).all()


def test_a_picture_is_written_whole_and_alone(tmp_path: Path) -> None:
    path = draw_nodule_views(marked_volume(), Nodule("n1", CENTER_LPS_MM, 8), tmp_path / "views" / "n1.png")
    picture = matplotlib.image.imread(path)
    assert picture.shape[0] > 400
    assert picture.shape[1] > 1200
    assert [entry.name for entry in path.parent.iterdir()] == ["n1.png"]


def test_the_caption_and_the_overview_change_the_picture_and_hostile_words_do_not_stop_it(tmp_path: Path) -> None:
    volume, nodule = marked_volume(), Nodule("$\\frac{$ \x1b[31m", CENTER_LPS_MM, 8)
    caption = Caption("scan \x1b]0;x\x07 $x_1$", "malignant 0.731", ("flagged: diameter " * 20, "肺"))
    bare = draw_nodule_views(volume, nodule, tmp_path / "bare.png")
    said = draw_nodule_views(volume, nodule, tmp_path / "said.png", caption)
    whole = draw_nodule_views(volume, nodule, tmp_path / "whole.png", caption, overview_of(volume))
    pictures = [matplotlib.image.imread(path)[..., :3] for path in (bare, said, whole)]
    assert {picture.shape for picture in pictures} == {pictures[0].shape}
    rows, columns = pictures[0].shape[:2]
    changed = np.abs(pictures[1] - pictures[0]).max(axis=-1) > 0.05
    assert changed[: rows // 6].any()
    assert not changed[rows // 6 :].any()
    changed = np.abs(pictures[2] - pictures[1]).max(axis=-1) > 0.05
    assert changed[:, columns * 5 // 6 :].any()
    assert not changed[:, : columns * 4 // 5].any()


def test_the_pixels_are_those_of_the_png(tmp_path: Path) -> None:
    volume, nodule, caption = marked_volume(), Nodule("n1", CENTER_LPS_MM, 8), Caption("scan", "0.731", ("\u80ba",))
    path = draw_nodule_views(volume, nodule, tmp_path / "n1.png", caption, overview_of(volume))
    png = np.rint(matplotlib.image.imread(path)[..., :3] * 255)
    assert np.array_equal(nodule_views(volume, nodule, caption, overview_of(volume)), png)


def test_a_nodule_outside_the_scan_is_drawn_too(tmp_path: Path) -> None:
    nodule = Nodule("far", (900.0, 0.0, 0.0), 8, box_lps_mm=(895, -4, -5, 905, 4, 5))
    assert draw_nodule_views(marked_volume(), nodule, tmp_path / "far.png").stat().st_size > 1000


def test_only_the_slices_in_view_are_read(tmp_path: Path) -> None:
    volume, asked = marked_volume(), []

    def read_slab(k_start: int, k_stop: int) -> np.ndarray:
        asked.append((k_start, k_stop))
        return volume.read_slab(k_start, k_stop)

    lazy = CTVolume(volume.grid, read_slab, "ct")
    draw_nodule_views(lazy, Nodule("n", CENTER_LPS_MM, 8), tmp_path / "n.png")
    assert min(start for start, _ in asked) >= 13
    assert max(stop for _, stop in asked) <= 48
