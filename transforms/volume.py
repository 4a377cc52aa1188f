"""A chest CT whose geometry is known and whose voxels are read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .geometry import Grid, Triple
from .problems import Problem

if TYPE_CHECKING:
    from pydicom import Dataset

# What fills where nothing was scanned, or nothing is shown.
AIR_HU = -1000.0

SlabReader = Callable[[int, int], NDArray[np.float32]]
BoxReader = Callable[[Sequence[int], Sequence[int]], NDArray[np.float32]]
HeaderReader = Callable[[int], "Dataset"]


@dataclass(frozen=True)
class SourceImage:
    """The DICOM image that a slice was read from, so that what is found in it can be marked on it.

    Args:
        sop_class_uid: of its file.
        sop_instance_uid: of its file.
        frame_number: of the slice in its file, from 1; None where the file holds one image.
        position_lps_mm: the centre of its first voxel, as its header states it.
    """

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None
    position_lps_mm: Triple


@dataclass(frozen=True, eq=False)
class CTVolume:
    """One CT scan: exact geometry now, Hounsfield units on demand.

    Args:
        grid: where its voxels are (LPS mm).
        read_slab: ``read_slab(k_start, k_stop)`` returns the slices k_start <= k < k_stop, float32 Hounsfield units,
            (x, y, z).
        source: the path it was read from, as the user wrote it.
        attributes: what is known of the series and holds no identity: manufacturer, slice_thickness_mm, UIDs, ...
        warnings: what the series gate noticed and let pass.
        gaps_k: each k such that slices are missing between slices k and k + 1, where the user allowed gaps.
        read_box: ``read_box(low_xyz, high_xyz)`` returns the voxels low <= index < high alone, where that is cheaper
            than to cut them from the slab.
        slices: the image that each slice k was read from; none where the scan was no DICOM.
        read_header: ``read_header(k)`` returns the whole header of slice k's file, without pixels; it tells who the
            patient is. None where the scan was no DICOM.
    """

    grid: Grid
    read_slab: SlabReader
    source: str
    attributes: Mapping[str, str | float | int] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    gaps_k: tuple[int, ...] = ()
    read_box: BoxReader | None = None
    slices: tuple[SourceImage, ...] = ()
    read_header: HeaderReader | None = None

    def gaps_between(self, k_start: int, k_stop: int) -> tuple[int, ...]:
        """Return the gaps that lie inside slices k_start <= k < k_stop; what is interpolated there was not scanned."""
        return tuple(k for k in self.gaps_k if k_start <= k < k_stop - 1)

    def read_region(self, low_xyz: Sequence[int], high_xyz: Sequence[int]) -> NDArray[np.float32]:
        """Return the voxels low <= index < high in Hounsfield units, (x, y, z)."""
        if self.read_box is not None:
            return self.read_box(low_xyz, high_xyz)
        (x0, y0, z0), (x1, y1, z1) = low_xyz, high_xyz
        return self.read_slab(z0, z1)[x0:x1, y0:y1]

    def read_all(self) -> NDArray[np.float32]:
        """Return the whole scan in Hounsfield units, (x, y, z)."""
        return self.read_slab(0, self.grid.size_xyz[2])


def volume_from_array(intensity_hu: NDArray[np.float32], grid: Grid, source: str = "array") -> CTVolume:
    """Return a CTVolume over voxels that are in memory already, (x, y, z) Hounsfield units."""
    return CTVolume(grid=grid, read_slab=lambda k_start, k_stop: intensity_hu[:, :, k_start:k_stop], source=source)
