"""How the patch of a nodule is cut: the one description of it, whoever wraps the voxels for a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.volume import AIR_HU, CTVolume

from .box import (
    BOX_PER_DIAMETER,
    Box,
    Pose,
    Size,
    Spacing,
    VoxelRange,
    as_sizes,
    as_triple,
    box_around,
    patch_affine_ras,
    shown_voxels,
)
from .nodule_facts import NoduleFacts, nodule_facts
from .patch import Patch, cut_patch
from .scan_grain import UNTOLD_GRAIN, ScanGrain, read_with_grain


@dataclass(frozen=True, eq=False)
class NodulePatch:
    """A cut patch, which of its voxels are shown, and how coarse the scan's slices are.

    Args:
        patch: Hounsfield units.
        shown: its voxels that lie in the nodule's box.
        slice_spacing_mm: distance between the scan's slices.
        slice_thickness_mm: their thickness; of formats that do not tell it, the distance is the best guess.
        grain: of the scan about the shown voxels, where it was asked for.
    """

    patch: Patch
    shown: VoxelRange
    slice_spacing_mm: float
    slice_thickness_mm: float
    grain: ScanGrain = UNTOLD_GRAIN

    def facts(self, spacing_mm: Spacing, diameter_mm: float) -> NoduleFacts:
        """Return what the patch tells of a nodule of a diameter (mm); ``spacing_mm`` is the patch's."""
        return nodule_facts(
            self.patch.intensity_hu,
            range_as_array(self.shown),
            spacing_mm=spacing_mm,
            diameter_mm=diameter_mm,
            # Thick slices blur, distant ones leave out; the worse of the two counts.
            slice_spacing_mm=max(self.slice_spacing_mm, self.slice_thickness_mm),
            inside_fraction=self.patch.inside_fraction,
            grain=self.grain,
        )


class PatchCutter:
    """Cuts nodules' patches out of scans.

    Args:
        size: voxels along each axis, or one number for all; odd, so that the nodule's centre is a voxel's centre.
        spacing_mm: of the patch along each axis, or one number for all.
        margin_mm: kept around the box at each face, along x, y and z (LPS) mm.
        box_per_diameter: size of the box of a nodule that comes without one, in diameters, along x, y and z.
        air_hu: the fill, Hounsfield units.
    """

    def __init__(
        self,
        size: Size,
        spacing_mm: Spacing,
        margin_mm: Sequence[float] = (5.0, 5.0, 0.0),
        box_per_diameter: Sequence[float] = BOX_PER_DIAMETER,
        air_hu: float = AIR_HU,
    ) -> None:
        if not all(length % 2 for length in as_sizes(size)):
            msg = f"Expected an odd patch size, so that the nodule's centre is a voxel's centre, got {size}"
            raise ValueError(msg)
        self.size, self.spacing_mm, self.air_hu = as_sizes(size), as_triple(spacing_mm), float(air_hu)
        self.margin_mm, self.box_per_diameter = as_triple(margin_mm), as_triple(box_per_diameter)

    def box(self, center_lps_mm: Sequence[float], diameter_mm: float, corners: Sequence[float] | None) -> Box:
        """Return a nodule's box in LPS mm, without the margin: its own corners', or the one its diameter implies."""
        if corners is None:
            return box_around(center_lps_mm, diameter_mm * np.asarray(self.box_per_diameter))
        return Box(as_triple(corners[:3]), as_triple(corners[3:]))

    def cut(
        self,
        volume: CTVolume,
        center_lps_mm: Sequence[float],
        box: Box,
        pose: Pose | None = None,
        *,
        with_grain: bool = False,
    ) -> NodulePatch:
        """Return the patch about a centre (LPS mm) that shows a box and its margin.

        Args:
            volume: the scan.
            center_lps_mm: of the nodule.
            box: of the nodule, without the margin.
            pose: in which it is cut; None along the body's axes.
            with_grain: whether the scan's grain is measured, too, which training has no use for.
        """
        affine_ras = patch_affine_ras(center_lps_mm, self.size, self.spacing_mm, pose)
        shown = shown_voxels(box.grown(self.margin_mm), center_lps_mm, self.size, self.spacing_mm, pose)
        volume, grain = read_with_grain(volume, affine_ras, shown) if with_grain else (volume, UNTOLD_GRAIN)
        spacing_mm = float(volume.grid.spacing_mm[2])
        return NodulePatch(
            cut_patch(volume, affine_ras, self.size, shown, self.air_hu),
            shown,
            spacing_mm,
            float(volume.attributes.get("slice_thickness_mm", spacing_mm)),
            grain,
        )

    def cut_item(self, item: Mapping[str, Any]) -> NodulePatch:
        """Return the patch of a work item: a mapping with the scan, the nodule's place and its size, as inference."""
        center = item["center_lps_mm"]
        box = self.box(center, float(item["diameter_mm"]), item.get("box_lps_mm"))
        return self.cut(item["image"], center, box, with_grain=True)


def range_as_array(shown: VoxelRange) -> NDArray[np.int64]:
    """Return a voxel range as an integer array (3, 2): start and stop along each axis."""
    return np.asarray([(part.start, part.stop) for part in shown], dtype=np.int64)
