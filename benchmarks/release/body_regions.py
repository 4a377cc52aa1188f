"""Where in a scan there is no nodule: plain lung, other organs, the air around the body."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nodulus.transforms.volume import CTVolume

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

GRID_MM = 2.5  # the scan is thinned to about this spacing: regions need no finer one
TISSUE_HU = -400.0
LUNG_HU = -500.0
VESSEL_HU = -450.0
SOFT_HU = (-200.0, 250.0)
BONE_HU = 250.0
SMALLEST_LUNG_ML = 200.0


def body_regions(volume: CTVolume) -> Mapping[str, Points]:
    """Return LPS positions (n, 3) in mm, one a voxel of a thinned grid, by the name of the region; empty ones left out.

    There are no outlines of organs: regions are told by density and by where the lungs lie.

    - ``lung``: air in the body, 5 mm or more from the lung's surface, small vessels and all. Nobody looked for nodules
      there, so that a few may be hit.
    - ``beside_lung``: soft tissue within 6 mm of such air: vessels, walls of bronchi, pleura, diaphragm. The hardest to
      tell, as a nodule may look just so.
    - ``between_lungs``: soft tissue with lung to both sides, 8 mm or more from it: heart, great vessels.
    - ``below_lungs``: soft tissue 15 mm deep with lung above it and none below: liver, spleen, stomach.
    - ``vessels``: tissue that lung encloses, 4 mm or more from the pleura: vessels, walls of bronchi.
    - ``body_wall``: soft tissue 8 to 30 mm under the skin: muscle, fat.
    - ``bone``: above 250 HU.
    - ``outside``: 20 mm or more from the body.
    - ``abdomen``: soft tissue 15 mm deep of a scan that holds no lung.
    """
    grid = volume.grid
    steps = np.maximum(1, np.rint(GRID_MM / np.asarray(grid.spacing_mm))).astype(int)
    hu = volume.read_all()[tuple(slice(None, None, int(step)) for step in steps)]
    # The masks' axes run to the left, the back and the head, as far as the scan's own axes allow.
    axes = tuple(int(axis) for axis in np.flatnonzero(np.diag(grid.affine_lps)[:3] < 0))
    masks = _masks(np.flip(hu, axes), np.asarray(grid.spacing_mm) * steps)
    voxels = {name: np.argwhere(np.flip(mask, axes)) * steps for name, mask in masks.items()}
    return {name: grid.lps_from_voxel(found) for name, found in voxels.items() if len(found)}


def _masks(hu: NDArray[np.float32], spacing_mm: NDArray[np.float64]) -> dict[str, Mask]:
    body = _body(hu)
    lung = _lungs(body & (hu < LUNG_HU), spacing_mm)
    smooth = ndimage.median_filter(hu, 3)
    soft = body & (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
    deep = soft & (_depth_mm(smooth > SOFT_HU[0], spacing_mm) > 15)
    under_skin = _depth_mm(body, spacing_mm)
    masks = {
        "bone": body & (smooth > BONE_HU),
        "body_wall": soft & (under_skin > 8) & (under_skin < 30),
        "outside": _depth_mm(~body, spacing_mm) > 20,
    }
    if not lung.any():
        return masks | {"abdomen": deep}
    from_lung = _depth_mm(~lung, spacing_mm)
    in_lung_mm = _depth_mm(lung | ndimage.binary_closing(lung, iterations=3), spacing_mm)
    return masks | {
        "lung": lung & (in_lung_mm > 5),
        "beside_lung": soft & (from_lung < 6),
        "between_lungs": soft & _is_before(lung, 0) & _is_after(lung, 0) & (from_lung > 8),
        "below_lungs": deep & _is_after(lung, 2) & ~_is_before(lung, 2),
        "vessels": (hu > VESSEL_HU) & (in_lung_mm > 4),
    }


def _body(hu: NDArray[np.float32]) -> Mask:
    """Return the largest piece of tissue, the table cut off, with its holes filled slice by slice."""
    body = _largest(ndimage.binary_opening(hu > TISSUE_HU, iterations=2))
    return np.stack([ndimage.binary_fill_holes(body[:, :, k]) for k in range(body.shape[2])], axis=2)


def _largest(mask: Mask) -> Mask:
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def _lungs(air: Mask, spacing_mm: NDArray[np.float64]) -> Mask:
    pieces, _ = ndimage.label(air)
    sizes_ml = np.bincount(pieces.ravel()) * spacing_mm.prod() / 1000
    sizes_ml[0] = 0
    return np.asarray((sizes_ml > SMALLEST_LUNG_ML)[pieces])


def _is_before(mask: Mask, axis: int) -> Mask:
    """Return for each voxel whether some of the mask comes before it along an axis."""
    return np.maximum.accumulate(mask, axis=axis)


def _is_after(mask: Mask, axis: int) -> Mask:
    return np.flip(_is_before(np.flip(mask, axis), axis), axis)


def _depth_mm(mask: Mask, spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far inside the mask each voxel lies."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm))
