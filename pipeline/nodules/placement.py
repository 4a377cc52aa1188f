"""Whether a nodule can be judged in a scan: where it lies, and how much of it was scanned."""

from __future__ import annotations

import numpy as np

from nodulus.transforms.geometry import Grid, Points
from nodulus.transforms.patches.box import BOX_PER_DIAMETER, Box, box_around
from nodulus.transforms.problems import Problem, ProblemCode
from nodulus.transforms.volume import CTVolume

from .nodule import Nodule

# A nodule is judged by what lies in its box: with less than half of it scanned there is nothing to judge.
MIN_SCANNED_FRACTION = 0.5


def nodule_problem(nodule: Nodule, volume: CTVolume) -> Problem | None:
    """Return why a nodule cannot be scored in a scan, or None."""
    if not volume.grid.contains_lps(nodule.center_lps_mm):
        center = ", ".join(f"{value:.1f}" for value in nodule.center_lps_mm)
        message = f"Expected a centre inside the scan, {_reach(volume.grid)} LPS mm, got ({center})"
        return _problem(ProblemCode.NODULE_OUTSIDE, message, nodule)
    voxels = volume.grid.voxel_from_lps(_lattice(nodule_box(nodule)))
    scanned = float(volume.grid.contains_voxel(voxels).mean())
    if scanned < MIN_SCANNED_FRACTION:
        message = f"Expected at least {MIN_SCANNED_FRACTION:.0%} of the nodule's box inside the scan, got {scanned:.0%}"
        return _problem(ProblemCode.NODULE_OUTSIDE, message, nodule)
    k_start, k_stop = int(np.floor(voxels[..., 2].min())), int(np.ceil(voxels[..., 2].max())) + 1
    gaps = volume.gaps_between(k_start, k_stop)
    if gaps:
        message = f"Expected all slices of the nodule's box, got {len(gaps)} gap(s) between its slices"
        return _problem(ProblemCode.MISSING_SLICES, message, nodule)
    return None


def _problem(code: ProblemCode, message: str, nodule: Nodule) -> Problem:
    return Problem(code, f"{message} for nodule {nodule.nodule_id}", (nodule.nodule_id,))


def _reach(grid: Grid) -> str:
    """Return the world box of a scan's voxel centres, in words."""
    x, y, z = (float(n - 1) for n in grid.size_xyz)
    corners = grid.lps_from_voxel(_lattice(Box((0.0, 0.0, 0.0), (x, y, z)), 2)).reshape(-1, 3)
    return " x ".join(f"{low:.1f}..{high:.1f}" for low, high in zip(corners.min(0), corners.max(0), strict=True))


def _lattice(box: Box, n_points: int = 9) -> Points:
    """Return points (n, n, n, 3) that fill a box, its faces included."""
    axes = [np.linspace(low, high, n_points) for low, high in zip(box.low_lps_mm, box.high_lps_mm, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def nodule_box(nodule: Nodule) -> Box:
    """Return the nodule's box in LPS mm: its own, or the one that its diameter implies."""
    if nodule.box_lps_mm is None:
        return box_around(nodule.center_lps_mm, nodule.diameter_mm * np.asarray(BOX_PER_DIAMETER))
    corners = nodule.box_lps_mm
    return Box((corners[0], corners[1], corners[2]), (corners[3], corners[4], corners[5]))
