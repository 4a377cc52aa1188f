"""What a nodule's patch shows of its shape and of what lies around it, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nodulus.transforms.volume import AIR_HU

from .box import Spacing, as_triple

# Beyond these a voxel tells no more: air, and what is brighter than soft tissue with contrast agent.
HU_RANGE = (AIR_HU, 400.0)
# Aerated lung; a voxel's fill is how far it lies on the way from here to the nodule's own density.
LUNG_HU = -850.0
# A core as dark as lung would make everything around it look like tissue.
_LEAST_CONTRAST_HU = 200.0
_TISSUE_HU = (-700.0, -350.0)
_SOME_FILL = 0.3
_N_SECTORS = 16
# A gradient of noise (HU a mm) has a direction, too: below about this it counts for little.
_NOISE_GRADIENT = 20.0
_CONVERGING = 0.2

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class NoduleShape:
    """Shape and surroundings of what lies at a nodule's place; NaN where the scan does not cover enough to tell.

    "Fill" is 0 where a voxel is as dark as lung and 1 where it is as dense as the nodule's core. "Radii" are those of
    the diameter that the nodule's table gives. But for the last five, all are of the slices next to the centre.

    Args:
        inner_fill: mean fill from 0.4 to 0.8 radii.
        rim_fill: from 0.8 to 1 radius.
        last_mm_fill: of the last millimetre within the radius.
        beyond_fill: from 1 to 1.25 radii.
        around_fill: from 1.25 to 1.6 radii.
        disc_fill: part of the disc of 1.1 radii in the central slice that is tissue.
        ring_through: of a ring 2 to 4.5 mm outside, in sectors: the fill of the fuller pair of opposite sectors, the
            lesser of the two. A vessel that runs through leaves on both sides.
        ring_upper_fill: fill that a quarter of the sectors exceeds: the pleura fills many.
        inward: part of the sectors in which the density falls from the centre outward across the rim.
        end_fill_low: part of the disc of 1.1 radii that is tissue in one of the box's two outer slices, the emptier.
        end_fill_high: the same of the fuller one: a vessel along the body's axis goes on in both.
        off_z_radii: how far the middle of the tissue lies from the centre along z.
        spread_radii: how far the tissue spreads about its middle, across the body's axis.
        elongation: its second axis over the longest, 0 to 1.
    """

    inner_fill: float = np.nan
    rim_fill: float = np.nan
    last_mm_fill: float = np.nan
    beyond_fill: float = np.nan
    around_fill: float = np.nan
    disc_fill: float = np.nan
    ring_through: float = np.nan
    ring_upper_fill: float = np.nan
    inward: float = np.nan
    end_fill_low: float = np.nan
    end_fill_high: float = np.nan
    off_z_radii: float = np.nan
    spread_radii: float = np.nan
    elongation: float = np.nan


UNTOLD = NoduleShape()


@dataclass(frozen=True, eq=False)
class _Seen:
    """The covered part of a patch: HU (x, y, z), its axes in mm from the centre, its fill, what of it is tissue."""

    hu: Array
    x: Array
    y: Array
    z: Array
    fill: Array
    tissue: Mask
    radius_mm: float

    @property
    def across(self) -> Array:
        """Distance of each column (x, y) from the centre, in mm."""
        return np.asarray(np.hypot(self.x[:, None], self.y))

    @property
    def middle(self) -> slice:
        """The slices next to the centre."""
        near = np.flatnonzero(np.abs(self.z) <= max(0.3 * self.radius_mm, 0.6))
        return slice(int(near[0]), int(near[-1]) + 1) if len(near) else slice(0, 0)


def nodule_shape(
    patch_hu: NDArray[np.floating[Any] | np.integer[Any]],
    shown: ArrayLike,
    *,
    spacing_mm: Spacing,
    diameter_mm: float,
    core_hu: float,
) -> NoduleShape:
    """Return what a nodule's patch shows of its shape, before any window.

    Args:
        patch_hu: Hounsfield units (x, y, z), the nodule's centre in its middle; air where nothing is shown.
        shown: (3, 2), start and stop of the shown voxels along each axis.
        spacing_mm: of the patch along each axis, or one number for all.
        diameter_mm: of the nodule.
        core_hu: mean density about its centre.
    """
    seen = _seen(np.asarray(patch_hu), np.asarray(shown), as_triple(spacing_mm), diameter_mm / 2, core_hu)
    if seen is None or min(seen.hu.shape[:2]) < 2:
        return UNTOLD
    slab = seen.fill[:, :, seen.middle].mean(axis=2)
    r, across = seen.radius_mm, seen.across

    def ring(low_mm: float, high_mm: float) -> float:
        part = slab[(across > low_mm) & (across <= high_mm)]
        return float(part.mean()) if part.size else np.nan

    sectors = _sector_means(slab, seen, (1.1 * r + 2.0, 1.1 * r + 4.5))
    disc = seen.tissue[across <= 1.1 * r].mean(axis=0)
    half = _N_SECTORS // 2
    return NoduleShape(
        inner_fill=ring(0.4 * r, 0.8 * r),
        rim_fill=ring(0.8 * r, r),
        last_mm_fill=ring(r - 1, r),
        beyond_fill=ring(r, 1.25 * r),
        around_fill=ring(1.25 * r, 1.6 * r),
        disc_fill=float(disc[np.abs(seen.z).argmin()]),
        ring_through=float(np.minimum(sectors[:half], sectors[half:]).max()),
        ring_upper_fill=float(np.sort(sectors)[3 * _N_SECTORS // 4 - 1]),
        inward=_inward(seen),
        end_fill_low=float(min(disc[0], disc[-1])),
        end_fill_high=float(max(disc[0], disc[-1])),
        **_moments(seen),
    )


def _seen(hu: Array, shown: NDArray[np.int64], spacing: tuple[float, ...], r: float, core_hu: float) -> _Seen | None:
    """Return the covered part of the shown voxels, None where the scan covers none, or nothing about the centre."""
    inside = hu[tuple(slice(int(a), int(b)) for a, b in shown)] != AIR_HU
    if not inside.any():
        return None
    axes, box = [], []
    for k, (start, step) in enumerate(zip(shown[:, 0], spacing, strict=True)):
        found = start + np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {k})))
        box.append(slice(int(found[0]), int(found[-1]) + 1))
        axes.append((np.arange(box[-1].start, box[-1].stop) - (hu.shape[k] - 1) / 2) * step)
    values = np.clip(hu[tuple(box)].astype(np.float64), *HU_RANGE)
    core = float(np.clip(core_hu, *HU_RANGE))
    fill = np.clip((values - LUNG_HU) / max(core - LUNG_HU, _LEAST_CONTRAST_HU), 0, 1.2)
    tissue = values > np.clip((core + LUNG_HU) / 2, *_TISSUE_HU)
    x, y, z = axes
    seen = _Seen(values, x, y, z, fill, tissue, r)
    return seen if seen.middle.stop else None


def _sector_means(values: Array, seen: _Seen, ring_mm: tuple[float, float]) -> Array:
    """Return the mean of values (x, y) in each sector of a ring; of a sector that the patch lacks, that of the others.

    A ring beyond the patch is full: around what is as large as that, no lung is seen.
    """
    across = seen.across
    in_ring = (across > ring_mm[0]) & (across <= ring_mm[1])
    turn = np.arctan2(seen.y, seen.x[:, None])[in_ring] / (2 * np.pi)
    # The axes and the diagonals run along the middle of a sector: a mirrored patch gives the same sectors.
    sector = np.rint(turn * _N_SECTORS).astype(int) % _N_SECTORS
    counts = np.bincount(sector, minlength=_N_SECTORS)
    if not counts.any():
        return np.ones(_N_SECTORS)
    means = np.bincount(sector, values[in_ring], minlength=_N_SECTORS) / np.maximum(counts, 1)
    return np.where(counts > 0, means, means[counts > 0].mean())


def _inward(seen: _Seen) -> float:
    """Return in which part of the sectors about the rim the gradient points to the centre."""
    slab = seen.hu[:, :, seen.middle]
    along_x, along_y = np.gradient(slab, seen.x, seen.y, axis=(0, 1))
    across = seen.across[:, :, None]
    to_center = -(along_x * seen.x[:, None, None] + along_y * seen.y[:, None]) / np.maximum(across, 0.25)
    share = (to_center / (np.hypot(along_x, along_y) + _NOISE_GRADIENT)).mean(axis=2)
    means = _sector_means(share, seen, (0.5 * seen.radius_mm, 1.3 * seen.radius_mm + 0.5))
    return float((means > _CONVERGING).mean())


def _moments(seen: _Seen) -> dict[str, float]:
    """Return where the tissue near the nodule lies, and how it spreads."""
    r, axes = seen.radius_mm, (seen.x, seen.y, seen.z)
    near = seen.across[:, :, None] ** 2 + seen.z**2 <= (1.5 * r + 1) ** 2
    weight = np.where(near & (seen.fill > _SOME_FILL), np.minimum(seen.fill, 1), 0)
    total = weight.sum()
    if not total:
        return {}
    # Sums along the axes first: what is left to multiply is small.
    planes = {(0, 1): weight.sum(axis=2), (0, 2): weight.sum(axis=1), (1, 2): weight.sum(axis=0)}
    lines = (planes[0, 1].sum(axis=1), planes[0, 1].sum(axis=0), planes[0, 2].sum(axis=0))
    middle = [float(line @ axis / total) for line, axis in zip(lines, axes, strict=True)]
    away = [axis - place for axis, place in zip(axes, middle, strict=True)]
    spread = np.diag([float(line @ off**2 / total) for line, off in zip(lines, away, strict=True)])
    for (i, k), plane in planes.items():
        spread[i, k] = spread[k, i] = away[i] @ plane @ away[k] / total
    axes_mm2 = np.maximum(np.linalg.eigvalsh(spread), 1e-3)
    return {
        "off_z_radii": float(abs(middle[2]) / r),
        "spread_radii": float(np.sqrt(spread[0, 0] + spread[1, 1]) / r),
        "elongation": float(np.sqrt(axes_mm2[1] / axes_mm2[2])),
    }
