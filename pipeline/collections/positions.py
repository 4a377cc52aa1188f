"""Where a nodule's position is in the world, whatever its collection counts in."""

from __future__ import annotations

from nodulus.transforms.geometry import Triple, swap_lps_ras_points
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import CTVolume

from .found import FoundNodule


def center_of(nodule: FoundNodule, volume: CTVolume) -> Triple:
    """Return a nodule's centre, LPS mm.

    Raises:
        UsageError: the position counts slices by Instance Number, and the scan has no such slice.
    """
    if nodule.kind == "lps":
        return nodule.position
    if nodule.kind == "ras":
        points = swap_lps_ras_points(nodule.position)
    else:
        i, j, k = nodule.position
        points = volume.grid.lps_from_voxel((i, j, _slice_of(volume, k) if nodule.kind == "instance" else k))
    x, y, z = (float(value) for value in points)
    return x, y, z


def _slice_of(volume: CTVolume, number: float) -> int:
    """Return the k of the slice with an Instance Number."""
    if volume.read_header is None:
        raise UsageError("Expected a DICOM series, whose slices have an Instance Number, got an image file")
    for k in range(volume.grid.size_xyz[2]):
        if volume.read_header(k).get("InstanceNumber") == number:
            return k
    raise UsageError(f"Expected a slice of Instance Number {number:g}, got none in the series")
