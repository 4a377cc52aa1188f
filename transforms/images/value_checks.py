"""Checks of an image file's place, shape and voxel values against what a chest CT can have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.gate.hounsfield import check_hounsfield
from nodulus.transforms.gate.image_rules import ENOUGH_VOXELS, POSITION, SPACING
from nodulus.transforms.gate.series_rules import UPRIGHT
from nodulus.transforms.gate.value_rules import NOT_TOO_THICK, THIN
from nodulus.transforms.gate.verdict import Gate

from .stored_image import StoredImage

# Those of a DICOM series.
_SHOWN_AT = (0.1, 0.3, 0.5, 0.7, 0.9)
_VOXELS_A_SIDE = 128


def check_image(image: StoredImage, gate: Gate) -> None:
    """Ask the gate of an image whose header has been read: the header first, then voxels."""
    _check_position(image, gate)
    _check_spacing(image, gate)
    _check_angles(image, gate)
    _check_size(image, gate)
    check_hounsfield(sampled_voxels(image), gate, image.voxels.path.name)


def _check_position(image: StoredImage, gate: Gate) -> None:
    origin_mm = image.affine_lps[:3, 3]
    if np.abs(origin_mm).max() > 1000 * POSITION.limit:
        listed = ", ".join(f"{value:g}" for value in origin_mm)
        gate.refuse(POSITION, f"({listed}) mm", image.voxels.path.name)


def _check_spacing(image: StoredImage, gate: Gate) -> None:
    spacing_mm = np.linalg.norm(image.affine_lps[:3, :3], axis=0)
    got = f"{' x '.join(f'{value:.4g}' for value in spacing_mm)} mm"
    if spacing_mm.min() < SPACING.limit:
        gate.refuse(SPACING, got, image.voxels.path.name)
    for rule in (NOT_TOO_THICK, THIN):
        # Spacings are lengths of vectors, which are rounded.
        if spacing_mm.max() > rule.limit + 1e-4:
            gate.judge(rule, got, image.voxels.path.name, expected=f"a spacing of at most {rule.limit}")
            return


def _check_angles(image: StoredImage, gate: Gate) -> None:
    axes = image.affine_lps[:3, :3] / np.linalg.norm(image.affine_lps[:3, :3], axis=0)
    cosines = (axes.T @ axes)[np.triu_indices(3, 1)]
    off_degrees = float(np.degrees(np.arcsin(np.abs(cosines).clip(0, 1))).max())
    if off_degrees > UPRIGHT.limit:
        expected = f"axes at right angles within {UPRIGHT.limit}"
        gate.judge(UPRIGHT, f"{off_degrees:.2f} degrees off", image.voxels.path.name, expected=expected)


def _check_size(image: StoredImage, gate: Gate) -> None:
    # Any array axis may be the one along which slices were stacked.
    size_xyz = image.voxels.size_xyz
    if min(size_xyz) < ENOUGH_VOXELS.limit:
        gate.judge(ENOUGH_VOXELS, " x ".join(map(str, size_xyz)), image.voxels.path.name)


def sampled_voxels(image: StoredImage) -> NDArray[np.float32]:
    """Return voxels (HU) of a few slices over the scan, in steps that leave about 128 a side, in one row."""
    size_x, size_y, n_slices = image.voxels.size_xyz
    chosen = sorted({int(part * (n_slices - 1)) for part in _SHOWN_AT})
    step = max(max(size_x, size_y) // _VOXELS_A_SIDE, 1)
    return np.concatenate([image.voxels.read_slab(k, k + 1)[::step, ::step].ravel() for k in chosen])
