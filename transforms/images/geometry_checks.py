"""Checks on what an image file's header says of size, spacing and axes; what breaks them is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.transforms.gate.image_rules import (
    ACCOUNTS_AGREE,
    AXES_SPAN_SPACE,
    FEW_VOXELS,
    HAS_GEOMETRY,
    ONE_VOLUME,
    SOUND_HEADER,
    UNIT_AXES,
)
from nodulus.transforms.gate.verdict import refusal
from nodulus.transforms.geometry import Affine, apply_affine


def one_volume(sizes: Sequence[int], path: Path) -> tuple[int, int, int]:
    """Return the size (x, y, z) of an image whose axes beyond the third have length 1."""
    if any(n < 1 for n in sizes):
        expected = "a positive number of voxels along each axis"
        raise refusal(SOUND_HEADER, str(list(sizes)), path.name, expected=expected)
    if any(n > FEW_VOXELS.limit for n in sizes[:3]):
        raise refusal(FEW_VOXELS, str(list(sizes)), path.name)
    if any(n > 1 for n in sizes[3:]):
        n_volumes = int(np.prod(sizes[3:], dtype=object))
        raise refusal(ONE_VOLUME, f"{n_volumes} (size {list(sizes)})", path.name, expected="one volume")
    return int(sizes[0]), int(sizes[1]), int(sizes[2])


def check_spacing(spacing: ArrayLike, path: Path) -> NDArray[np.float64]:
    """Return the spacing (three numbers) when each is finite and above zero."""
    numbers = np.asarray(spacing, dtype=np.float64)
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        raise refusal(HAS_GEOMETRY, _listed(numbers), path.name, expected="three spacings above 0")
    return numbers


def check_affine(affine: ArrayLike, path: Path) -> Affine:
    """Return the 4x4 affine when its numbers are finite and its axes span the space."""
    matrix = np.asarray(affine, dtype=np.float64)
    if not np.isfinite(matrix).all():
        raise refusal(HAS_GEOMETRY, _listed(matrix[:3]), path.name, expected="finite numbers in the affine")
    check_spacing(np.linalg.norm(matrix[:3, :3], axis=0), path)
    cell = abs(float(np.linalg.det(matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0))))
    if cell < AXES_SPAN_SPACE.limit:
        raise refusal(AXES_SPAN_SPACE, _listed(matrix[:3, :3]), path.name, expected="three independent axes")
    return matrix


def check_unit_axes(direction: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """Return the directions (columns) when their lengths are 1: the spacing is said elsewhere."""
    off = np.abs(np.linalg.norm(direction, axis=0) - 1)
    if not (off <= UNIT_AXES.limit).all():
        expected = f"axes of length 1 within {UNIT_AXES.limit:g}"
        raise refusal(UNIT_AXES, _listed(direction.T), path.name, expected=expected)
    return direction


def check_affines_agree(
    first: Affine, second: Affine, size_xyz: tuple[int, int, int], names: str, mm_per_unit: float, path: Path
) -> None:
    """Refuse two accounts of one geometry (4x4, the file's unit) that place a corner of the scan differently."""
    corners = list(product(*[(0, n - 1) for n in size_xyz]))
    apart_mm = mm_per_unit * float(
        np.linalg.norm(apply_affine(first, corners) - apply_affine(second, corners), axis=1).max()
    )
    if apart_mm > ACCOUNTS_AGREE.limit:
        expected = f"{names} to agree within {ACCOUNTS_AGREE.limit}"
        raise refusal(ACCOUNTS_AGREE, f"corners {apart_mm:.2f} mm apart", path.name, expected=expected)


def _listed(numbers: NDArray[np.float64]) -> str:
    """Return numbers in one line, however many rows they have."""
    return str(np.asarray(numbers).tolist())
