"""What is the least that any program must do: which bytes, and how long do they take to read, inflate and resample?"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nodulus.transforms.patches.box import patch_affine_ras
from nodulus.transforms.patches.patch import patch_points_lps
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume

from .alternatives import SIZE, SPACING_MM
from .interleave import Call
from .scans import Scan

# Headers of the scanners seen end before this; the pixels follow.
HEADER_BYTES = 4096


@dataclass(frozen=True)
class Floor:
    """The bytes of one patch, how to read them, and its resampling."""

    n_bytes: int
    read: Call
    resample: Call


def floor_of(scan: Scan) -> Floor:
    """Return the floor of one nodule's patch in a scan that was never seen before."""
    low, high = _needed_voxels(open_ct(scan.path), scan)
    n_rows, n_slices = int(high[1] - low[1]), int(high[2] - low[2])
    if scan.path.is_dir():
        files = sorted(scan.path.iterdir())
        bytes_a_slice = n_rows * 2 * 512
        return Floor(
            HEADER_BYTES * len(files) + bytes_a_slice * n_slices,
            lambda: [_read(path, HEADER_BYTES) for path in files] + [_read(p, bytes_a_slice) for p in files[:n_slices]],
            _resampling(),
        )
    n_bytes, read = _of_file(scan.path, n_slices, n_rows * 2 * 512)
    return Floor(n_bytes, read, _resampling())


def _of_file(path: Path, n_slices: int, bytes_a_slice: int) -> tuple[int, Call]:
    """Return how many bytes a file must yield, once inflated, and what reads them."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
        half = members[0].file_size // 2  # the rows of a nodule lie, on average, in the middle
        return HEADER_BYTES * len(members) + half * n_slices, _inflate_members(path, half, n_slices)
    if path.suffix == ".gz":
        inflate = _inflate_all(path)
        return inflate(), inflate
    return n_slices * bytes_a_slice, lambda: [_read(path, bytes_a_slice) for _ in range(n_slices)]


def _read(path: Path, n_bytes: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(n_bytes)


def _inflate_members(path: Path, n_bytes: int, n_members: int) -> Call:
    def inflate() -> None:
        with zipfile.ZipFile(path) as archive:
            for number, member in enumerate(archive.infolist()):
                with archive.open(member) as stream:
                    stream.read(n_bytes if number < n_members else HEADER_BYTES)

    return inflate


def _inflate_all(path: Path) -> Callable[[], int]:
    def inflate() -> int:
        inflater, n_bytes = zlib.decompressobj(47), 0
        with path.open("rb") as file:
            while chunk := file.read(1 << 18):
                n_bytes += len(inflater.decompress(chunk))
        return n_bytes

    return inflate


def _needed_voxels(volume: CTVolume, scan: Scan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first and the last voxel index that the patch needs along each axis of the scan."""
    affine_ras = patch_affine_ras(scan.nodule_lps_mm, SIZE, SPACING_MM)
    voxels = volume.grid.voxel_from_lps(
        patch_points_lps(affine_ras, (slice(0, SIZE[0]), slice(0, SIZE[1]), slice(0, SIZE[2])))
    ).reshape(-1, 3)
    return np.floor(voxels.min(axis=0)), np.ceil(voxels.max(axis=0)) + 1


def _resampling() -> Call:
    """Return one trilinear resampling of a patch that is in memory, nothing else."""
    image = torch.rand(1, 1, 48, 48, 48)
    points = torch.rand(1, 1, 1, math.prod(SIZE), 3) * 2 - 1
    return lambda: torch.nn.functional.grid_sample(image, points, align_corners=True)
