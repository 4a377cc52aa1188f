"""An image file as its header describes it: geometry, and voxels that are read a slab at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.gate.image_rules import NOTHING_LEFT_OVER, ONE_NUMBER_A_VOXEL, WHOLE_FILE
from nodulus.transforms.gate.place_rules import INFLATES_FAIRLY, fair_size
from nodulus.transforms.gate.verdict import refusal
from nodulus.transforms.geometry import Affine
from nodulus.transforms.sources.deflate_reader import DeflateReader


def bytes_of(size_xyz: tuple[int, int, int], stored_type: np.dtype[np.generic]) -> int:
    """Return how many bytes the voxels take when they are not compressed."""
    return int(np.prod(size_xyz, dtype=object)) * stored_type.itemsize


@dataclass(frozen=True)
class StoredVoxels:
    """Where the voxels of one image stand in a file, first axis fastest, and how they become Hounsfield units.

    Args:
        path: the file that holds them.
        offset: of their first byte; in the inflated stream when they are compressed from byte ``stream_offset`` on.
        stored_type: with its byte order.
        size_xyz: number of voxels along the array axes.
        stream: reads the inflated bytes; None where they are not compressed.
        slope: Hounsfield units per stored unit.
        intercept: Hounsfield units of stored zero.
    """

    path: Path
    offset: int
    stored_type: np.dtype[np.generic]
    size_xyz: tuple[int, int, int]
    stream: DeflateReader | None = None
    slope: float = 1.0
    intercept: float = 0.0

    def read_slab(self, k_start: int, k_stop: int) -> NDArray[np.float32]:
        """Return slices k_start <= k < k_stop in Hounsfield units, float32 (x, y, z)."""
        return self.read_box((0, 0, k_start), (*self.size_xyz[:2], k_stop))

    def read_box(self, low_xyz: Sequence[int], high_xyz: Sequence[int]) -> NDArray[np.float32]:
        """Return the voxels low <= index < high in Hounsfield units, float32 (x, y, z); only their rows are read."""
        (x0, y0, k_start), (x1, y1, k_stop) = low_xyz, high_xyz
        stored = self._rows(y0, y1, k_start, k_stop)[x0:x1]
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            got = f"NaN or infinity in slices {k_start} to {k_stop - 1}"
            raise refusal(ONE_NUMBER_A_VOXEL, got, self.path.name, expected="finite voxels")
        return self._hounsfield(stored)

    def check_complete(self) -> None:
        """Refuse a file that is shorter or longer than its header says, or whose compressed stream is damaged."""
        expected = self.offset + bytes_of(self.size_xyz, self.stored_type)
        stored = self.path.stat().st_size
        if self.stream is not None and expected > fair_size(stored):
            raise refusal(INFLATES_FAIRLY, f"{expected} bytes out of {stored}", self.path.name)
        got = stored if self.stream is None else self.stream.verified_size(expected)
        if got < expected:
            raise refusal(WHOLE_FILE, str(got), self.path.name, expected=f"{expected} bytes")
        if got > expected:
            voxels = f"{expected} bytes for {self.size_xyz} voxels of {self.stored_type}"
            raise refusal(NOTHING_LEFT_OVER, f"{got} or more", self.path.name, expected=voxels)

    def _rows(self, y_start: int, y_stop: int, k_start: int, k_stop: int) -> NDArray[np.generic]:
        """Return stored rows of some slices, (x, y, z)."""
        n_x, n_y, _ = self.size_xyz
        row_bytes, n_slices = n_x * self.stored_type.itemsize, k_stop - k_start
        if self.stream is not None or (y_start, y_stop) == (0, n_y):
            data = self._read_bytes(self.offset + k_start * n_y * row_bytes, n_slices * n_y * row_bytes)
            slab = np.frombuffer(data, self.stored_type).reshape((n_x, n_y, n_slices), order="F")
            return slab[:, y_start:y_stop]
        starts = [self.offset + (k * n_y + y_start) * row_bytes for k in range(k_start, k_stop)]
        data = b"".join(self._read_bytes(start, (y_stop - y_start) * row_bytes) for start in starts)
        return np.frombuffer(data, self.stored_type).reshape((n_x, y_stop - y_start, n_slices), order="F")

    def _read_bytes(self, start: int, n_bytes: int) -> bytes:
        if self.stream is not None:
            return self.stream.read(start, n_bytes)
        with self.path.open("rb") as file:
            file.seek(start)
            data = file.read(n_bytes)
        if len(data) < n_bytes:
            raise refusal(WHOLE_FILE, str(start + len(data)), self.path.name, expected=f"{start + n_bytes} bytes")
        return data

    def _hounsfield(self, stored: NDArray[np.generic]) -> NDArray[np.float32]:
        if (self.slope, self.intercept) == (1.0, 0.0):
            return np.asarray(stored, dtype=np.float32)
        return np.asarray(stored.astype(np.float64) * self.slope + self.intercept, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class StoredImage:
    """One image of a file: its voxels, and where they are (4x4 voxel-to-LPS affine, mm)."""

    format: str
    voxels: StoredVoxels
    affine_lps: Affine
