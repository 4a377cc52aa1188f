"""Six features of a nodule that need no network: from its mask and the Hounsfield units within."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial.distance import pdist

from nodulus.pipeline.data.data_list import DataListItem
from nodulus.pipeline.files import sha256_of, write_text
from nodulus.transforms.problems import UsageError

FEATURES = ("log_volume_mm3", "axial_diameter_mm", "sphericity", "flatness", "mean_hu", "sd_hu")
# Counts up when a feature's definition changes, so that a stored table of the old one is not used.
DEFINITION = 1

Features = Mapping[str, Mapping[str, float]]


def hand_features(items: Sequence[DataListItem], crops: Path, cache: Path) -> Features:
    """Return the six features of each nodule by its name, computed once and kept in a JSON file.

    Args:
        items: nodules of a folder of crops.
        crops: the folder, with ``images/`` and ``masks/``.
        cache: the file; another one of the same nodules, images and masks is taken as it is.

    Raises:
        UsageError: a mask is missing, empty, or not on its image's grid.
    """
    files = {item.nodule_id: _files(item.nodule_id, crops) for item in items}
    source = _hash(files)
    if cache.is_file():
        stored = json.loads(cache.read_text(encoding="utf-8"))
        if stored["source_sha256"] == source:
            return {name: dict(zip(FEATURES, values, strict=True)) for name, values in stored["features"].items()}
    features = {name: _read_features(image, mask) for name, (image, mask) in files.items()}
    rows = {name: [of_nodule[feature] for feature in FEATURES] for name, of_nodule in features.items()}
    write_text(cache, json.dumps({"source_sha256": source, "columns": FEATURES, "features": rows}) + "\n")
    return features


def features_of(hu: NDArray[np.float64], is_nodule: NDArray[np.bool_], spacing_mm: Sequence[float]) -> dict[str, float]:
    """Return the six features of one nodule.

    * ``log_volume_mm3``: natural logarithm of the mask's volume.
    * ``axial_diameter_mm``: the longest distance between voxel centres of one slice, plus a pixel's width.
    * ``sphericity``: surface of the ball of equal volume over the mask's surface; about 1 for a ball, less otherwise.
    * ``flatness``: shortest over longest half-axis of the ellipsoid with the mask's second moments, 0 to 1.
    * ``mean_hu``, ``sd_hu``: of the voxels within the mask.

    Args:
        hu: crop in Hounsfield units, (x, y, z).
        is_nodule: the mask, same shape.
        spacing_mm: of the voxels, x, y, z.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    volume_mm3 = float(is_nodule.sum() * spacing.prod())
    inside_hu = hu[is_nodule]
    ball_surface_mm2 = np.pi ** (1 / 3) * (6 * volume_mm3) ** (2 / 3)
    return {
        "log_volume_mm3": float(np.log(volume_mm3)),
        "axial_diameter_mm": _axial_diameter_mm(is_nodule, spacing),
        "sphericity": float(ball_surface_mm2 / _surface_mm2(is_nodule, spacing)),
        "flatness": _flatness(is_nodule, spacing),
        "mean_hu": float(inside_hu.mean()),
        "sd_hu": float(inside_hu.std()),
    }


def _files(nodule_id: str, crops: Path) -> tuple[Path, Path]:
    name = f"{nodule_id}.nii.gz"
    image, mask = crops / "images" / name, crops / "masks" / name
    if not mask.is_file():
        raise UsageError(f"Expected the mask of nodule {nodule_id}, found no {mask}")
    return image, mask


def _hash(files: Mapping[str, tuple[Path, Path]]) -> str:
    digest = hashlib.sha256(f"{DEFINITION}".encode())
    for name in sorted(files):
        for path in files[name]:
            digest.update(bytes.fromhex(sha256_of(path)))
    return digest.hexdigest()


def _read_features(image: Path, mask: Path) -> dict[str, float]:
    crop, outline = nib.load(image), nib.load(mask)
    is_nodule = np.asarray(outline.dataobj) > 0
    if crop.shape != is_nodule.shape or not np.allclose(crop.affine, outline.affine, atol=1e-3):
        raise UsageError(f"Expected a mask on the grid of its image {crop.shape}, got {is_nodule.shape} in {mask}")
    if not is_nodule.any():
        raise UsageError(f"Expected a mask of a nodule, got no voxel in {mask}")
    spacing_mm = [float(step) for step in crop.header.get_zooms()[:3]]
    return features_of(np.asarray(crop.dataobj, dtype=np.float64), is_nodule, spacing_mm)


def _axial_diameter_mm(is_nodule: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    longest_mm = 0.0
    for index in range(is_nodule.shape[2]):
        slice_mask = np.pad(is_nodule[:, :, index], 1)
        outline = np.argwhere(slice_mask & ~binary_erosion(slice_mask)) * spacing[:2]
        if len(outline) > 1:
            longest_mm = max(longest_mm, float(pdist(outline).max()))
    return longest_mm + float(spacing[:2].mean())


def _surface_mm2(is_nodule: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    """Return the surface as the integral of the smoothed mask's gradient (coarea formula): no steps of voxel faces."""
    # Three voxels of air on each side hold what smoothing by one voxel spreads.
    soft = np.pad(is_nodule.astype(np.float64), 4)
    slopes = [gaussian_filter(soft, 1.0, order=[int(axis == k) for k in range(3)]) / spacing[axis] for axis in range(3)]
    return float(np.sqrt(sum(slope**2 for slope in slopes)).sum() * spacing.prod())


def _flatness(is_nodule: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    places_mm = np.argwhere(is_nodule) * spacing
    centred = places_mm - places_mm.mean(axis=0)
    # A voxel has an extent of its own: without it, a mask of one slice would be of no height.
    moments = centred.T @ centred / len(centred) + np.diag(spacing**2 / 12)
    shortest, *_, longest = np.linalg.eigvalsh(moments)
    return float(np.sqrt(shortest / longest))
