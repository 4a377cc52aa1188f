"""Checks on what an image file's header says of size, spacing and axes; what breaks them is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.transforms.gate.image_rules import ACCOUNTS_AGREE, AXES_SPAN_SPACE, FEW_VOXELS, UNIT_AXES
from nodulus.transforms.geometry import Affine, apply_affine
from nodulus.transforms.problems import ProblemCode, refuse


def one_volume(sizes: Sequence[int], path: Path) -> tuple[int, int, int]:
    """Return the size (x, y, z) of an image whose axes beyond the third have length 1."""
    if any(n < 1 for n in sizes):
        raise refuse(
            ProblemCode.UNREADABLE,
            f"Expected a positive number of voxels along each axis, got {list(sizes)} in {path.name}",
        )
    if any(n > FEW_VOXELS.tolerance for n in sizes[:3]):
        message = f"Expected at most {FEW_VOXELS.limit} along each axis, got {list(sizes)}"
        raise refuse(FEW_VOXELS.code, f"{message} in {path.name}")
    if any(n > 1 for n in sizes[3:]):
        n_volumes = int(np.prod(sizes[3:], dtype=object))
        raise refuse(
            ProblemCode.MIXED_SERIES, f"Expected one volume, got {n_volumes} (size {list(sizes)}) in {path.name}"
        )
    return int(sizes[0]), int(sizes[1]), int(sizes[2])


def check_spacing(spacing: ArrayLike, path: Path) -> NDArray[np.float64]:
    """Return the spacing (three numbers) when each is finite and above zero."""
    numbers = np.asarray(spacing, dtype=np.float64)
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        raise refuse(ProblemCode.NO_GEOMETRY, f"Expected three spacings above 0, got {_listed(numbers)} in {path.name}")
    return numbers


def check_affine(affine: ArrayLike, path: Path) -> Affine:
    """Return the 4x4 affine when its numbers are finite and its axes span the space."""
    matrix = np.asarray(affine, dtype=np.float64)
    if not np.isfinite(matrix).all():
        raise refuse(
            ProblemCode.NO_GEOMETRY, f"Expected finite numbers in the affine, got {_listed(matrix[:3])} in {path.name}"
        )
    check_spacing(np.linalg.norm(matrix[:3, :3], axis=0), path)
    cell = abs(float(np.linalg.det(matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0))))
    if cell < AXES_SPAN_SPACE.tolerance:
        raise refuse(
            ProblemCode.NO_GEOMETRY, f"Expected three independent axes, got {_listed(matrix[:3, :3])} in {path.name}"
        )
    return matrix


def check_unit_axes(direction: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """Return the directions (columns) when their lengths are 1: the spacing is said elsewhere."""
    off = np.abs(np.linalg.norm(direction, axis=0) - 1)
    if not (off <= UNIT_AXES.tolerance).all():
        message = f"Expected axes of length 1 within {UNIT_AXES.tolerance}, got {_listed(direction.T)}"
        raise refuse(UNIT_AXES.code, f"{message} in {path.name}")
    return direction


def check_affines_agree(
    first: Affine, second: Affine, size_xyz: tuple[int, int, int], names: str, mm_per_unit: float, path: Path
) -> None:
    """Refuse two accounts of one geometry (4x4, the file's unit) that place a corner of the scan differently."""
    corners = list(product(*[(0, n - 1) for n in size_xyz]))
    apart_mm = mm_per_unit * float(
        np.linalg.norm(apply_affine(first, corners) - apply_affine(second, corners), axis=1).max()
    )
    if apart_mm > ACCOUNTS_AGREE.tolerance:
        message = f"Expected {names} to agree within {ACCOUNTS_AGREE.tolerance} mm, got corners {apart_mm:.2f} mm apart"
        raise refuse(ProblemCode.CONFLICTING_GEOMETRY, f"{message} in {path.name}")


def _listed(numbers: NDArray[np.float64]) -> str:
    """Return numbers in one line, however many rows they have."""
    return str(np.asarray(numbers).tolist())
