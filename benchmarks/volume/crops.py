"""LIDC-IDRI crops with the readers' outline, as scans that can be measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.data.data_list import DataListItem
from nodulus.transforms.geometry import Grid, Triple, swap_lps_ras
from nodulus.transforms.patches.neighbourhood import Neighbourhood
from nodulus.transforms.volume import volume_from_array


@dataclass(frozen=True, eq=False)
class Crop:
    """One nodule with the outline that its readers agree on.

    Args:
        item: of the data list.
        center_lps_mm: the point that is asked for; the table's, or one beside it.
        diameter_mm: the diameter that is asked for.
        around: all voxels of the crop.
        is_nodule: the readers' outline, (x, y, z).
    """

    item: DataListItem
    center_lps_mm: Triple
    diameter_mm: float
    around: Neighbourhood
    is_nodule: NDArray[np.bool_]

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return abs(float(np.linalg.det(self.around.scan.grid.affine_lps[:3, :3])))

    def asked(self, shift_mm: Sequence[float] = (0, 0, 0), factor: float = 1.0) -> Crop:
        """Return the crop as it is asked for beside its point, or with another diameter."""
        x, y, z = np.add(self.center_lps_mm, shift_mm).tolist()
        return replace(self, center_lps_mm=(x, y, z), diameter_mm=self.diameter_mm * factor)

    def extended(self, *, everywhere: bool = False) -> Crop:
        """Return the crop with its end slices repeated up and down, as far as an outline may reach.

        A crop ends with the box of its nodule, so that a method that reads on into the lung is not found out. Where the
        end slice holds none of the outline, what lies beyond it is about what it shows.

        Args:
            everywhere: also where the end slice is the nodule's: harsher than any scan.
        """
        n = int(np.ceil(self.diameter_mm / self.around.scan.grid.spacing_mm[2]))
        ends = (self.is_nodule[:, :, 0], self.is_nodule[:, :, -1])
        below, above = (n if everywhere or not end.any() else 0 for end in ends)
        hu = np.pad(self.around.intensity_hu, ((0, 0), (0, 0), (below, above)), mode="edge")
        affine = self.around.scan.grid.affine_lps.copy()
        affine[:3, 3] -= below * affine[:3, 2]
        is_nodule = np.pad(self.is_nodule, ((0, 0), (0, 0), (below, above)))
        return replace(self, around=_around(hu, affine), is_nodule=is_nodule)


def read_crops(items: Sequence[DataListItem], folder: Path) -> Iterator[Crop]:
    """Yield the nodules of a data list with their outlines, from a folder with ``images/`` and ``masks/``."""
    for item in items:
        image = nib.load(folder / "images" / f"{item.nodule_id}.nii.gz")
        mask = nib.load(folder / "masks" / f"{item.nodule_id}.nii.gz")
        around = _around(np.asarray(image.dataobj, dtype=np.float32), swap_lps_ras(image.affine))
        is_nodule = np.asarray(mask.dataobj) > 0
        yield Crop(item, item.center_lps_mm, item.diameter_mm, around, is_nodule)


def _around(hu: NDArray[np.float32], affine_lps: NDArray[np.float64]) -> Neighbourhood:
    x, y, z = hu.shape
    return Neighbourhood(volume_from_array(hu, Grid((x, y, z), affine_lps)), hu, (0, 0, 0))
