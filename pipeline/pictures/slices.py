"""A nodule as slices to scroll through: in three planes, a strip of pictures each, small enough for a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.placement import nodule_box
from nodulus.transforms.geometry import swap_lps_ras
from nodulus.transforms.patches.neighbourhood import read_neighbourhood
from nodulus.transforms.patches.patch import cut_patch
from nodulus.transforms.volume import CTVolume

from .overview import Overview
from .views import NOT_SCANNED_COLOUR, PLANES, WINDOW_HU, Plane
from .webp import as_grey, webp_of

N_SLICES = 25
# So that ten nodules stay below three megabytes as text, which takes four letters for three bytes.
MOST_BYTES = 68_000
_PIXELS = 161
_SMALLEST_FIELD_MM, _MOST_AROUND_MM = 60.0, 20.0
# The box fills about two thirds of the slices, but they are never closer than a thin scan's or farther than a thick's.
_SLICES_OF_BOX, _STEP_MM = 16, (1.0, 5.0)


@dataclass(frozen=True, eq=False)
class SliceStrip:
    """Pictures of parallel slices, one below the other.

    Args:
        plane: how they lie; they run along the positive direction of the LPS axis that it does not show.
        webp: the pictures; the middle one goes through the nodule's centre.
        n_slices: how many, an odd number.
        step_mm: from one to the next.
        field_mm: from the first to the last pixel's centre, across and down.
        edge_mm: from the middle of a picture to its edge.
        is_whole: whether all that is shown was scanned.
    """

    plane: Plane
    webp: bytes
    n_slices: int
    step_mm: float
    field_mm: float
    edge_mm: float
    is_whole: bool

    @property
    def offsets_mm(self) -> tuple[float, ...]:
        """Where the slices lie, from the nodule's centre."""
        middle = self.n_slices // 2
        return tuple(round((k - middle) * self.step_mm, 3) for k in range(self.n_slices))


def draw_strips(volume: CTVolume, nodule: Nodule, n_slices: int = N_SLICES) -> tuple[SliceStrip, ...]:
    """Return the axial, the coronal and the sagittal strip about a nodule's centre.

    Raises:
        InputRefusedError: a slice of the scan cannot be read.
    """
    box = nodule_box(nodule)
    longest_mm = float(np.subtract(box.high_lps_mm, box.low_lps_mm).max())
    field_mm = max(_SMALLEST_FIELD_MM, min(3 * longest_mm, longest_mm + 2 * _MOST_AROUND_MM))
    step_mm = round(float(np.clip(longest_mm / _SLICES_OF_BOX, *_STEP_MM)), 1)
    held = _held(volume, nodule, max(field_mm / 2, n_slices // 2 * step_mm))
    return tuple(_draw_strip(held, nodule, plane, n_slices, step_mm, field_mm) for plane in PLANES)


def overview_webp(overview: Overview) -> bytes:
    """Return the picture of a scan seen from the front; its pixels are not square, its size in mm says its shape."""
    seen = overview.brightness
    low, high = float(seen.min()), float(seen.max())
    return webp_of(as_grey(seen, low, high if high > low else low + 1, NOT_SCANNED_COLOUR), MOST_BYTES)


def _draw_strip(
    volume: CTVolume, nodule: Nodule, plane: Plane, n_slices: int, step_mm: float, field_mm: float
) -> SliceStrip:
    pixel_mm = field_mm / (_PIXELS - 1)
    strip_hu = _strip_hu(volume, nodule, plane, n_slices, step_mm, pixel_mm)
    return SliceStrip(
        plane=plane,
        webp=webp_of(as_grey(strip_hu, *WINDOW_HU, NOT_SCANNED_COLOUR), MOST_BYTES),
        n_slices=n_slices,
        step_mm=step_mm,
        field_mm=field_mm,
        edge_mm=(field_mm + pixel_mm) / 2,
        is_whole=not bool(np.isnan(strip_hu).any()),
    )


def _strip_hu(
    volume: CTVolume, nodule: Nodule, plane: Plane, n_slices: int, step_mm: float, pixel_mm: float
) -> NDArray[np.float32]:
    """Return the strip (down, across) in Hounsfield units, NaN where nothing was scanned."""
    affine_lps = np.eye(4)
    affine_lps[:3, :3] = 0
    affine_lps[plane.across, 0] = pixel_mm
    affine_lps[plane.down, 1] = plane.down_sign * pixel_mm
    affine_lps[plane.normal, 2] = step_mm
    middle = np.array([_PIXELS // 2, _PIXELS // 2, n_slices // 2])
    affine_lps[:3, 3] = nodule.center_lps_mm - affine_lps[:3, :3] @ middle
    shown = (slice(0, _PIXELS), slice(0, _PIXELS), slice(0, n_slices))
    patch = cut_patch(volume, swap_lps_ras(affine_lps), _PIXELS, shown, air_hu=np.nan)
    return np.asarray(patch.intensity_hu[shown].transpose(2, 1, 0).reshape(-1, _PIXELS))


def _held(volume: CTVolume, nodule: Nodule, reach_mm: float) -> CTVolume:
    """Return the scan with what lies about a nodule in memory: the planes cross, and no slice is decoded twice."""
    low, high = (np.add(nodule.center_lps_mm, sign * reach_mm).tolist() for sign in (-1, 1))
    return read_neighbourhood(volume, (*low, *high)).as_scan()
