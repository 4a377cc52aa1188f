"""What a phantom is asked to be, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nodulus.transforms.geometry import Triple

NoduleTexture = Literal["solid", "part_solid", "ground_glass"]
NoduleMargin = Literal["smooth", "lobulated", "spiculated"]

IDENTITY: tuple[Triple, Triple, Triple] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
ROTATION_TOLERANCE = 1e-6


@dataclass(frozen=True)
class PhantomNodule:
    """A nodule to draw.

    Attributes:
        nodule_id: Name in tables; it also seeds the nodule's shape, so that a nodule keeps it in any company.
        center_lps_mm: Centre, LPS millimetres.
        diameter_mm: Diameter of the sphere of equal volume; the spicules of a spiculated margin come on top.
        texture: How dense it is.
        margin: How it ends.
        is_calcified: Whether a dense core, as of a granuloma, sits in the middle.
    """

    nodule_id: str
    center_lps_mm: Triple
    diameter_mm: float
    texture: NoduleTexture = "solid"
    margin: NoduleMargin = "smooth"
    is_calcified: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.diameter_mm < np.inf:
            raise ValueError(f"Expected a positive diameter_mm, got {self.diameter_mm} in nodule {self.nodule_id!r}.")


DEFAULT_NODULES = (
    PhantomNodule("N1", (-76.0, -5.0, 49.0), 12.0, "solid", "spiculated"),
    PhantomNodule("N2", (92.0, 29.0, -20.0), 24.0, "solid", "lobulated"),
    PhantomNodule("N3", (-81.0, 48.0, -40.0), 8.0, "solid", "smooth", is_calcified=True),
    PhantomNodule("N4", (72.0, -14.0, 59.0), 16.0, "part_solid", "lobulated"),
    PhantomNodule("N5", (-77.0, -44.0, -1.0), 11.0, "ground_glass", "smooth"),
    PhantomNodule("N6", (44.0, 59.0, 35.0), 5.0, "solid", "smooth"),
)


@dataclass(frozen=True)
class PhantomSpec:
    """Everything that decides a phantom; equal specs give equal voxels.

    Attributes:
        size_xyz: Number of columns, rows, slices.
        spacing_mm: Distance between columns, rows, slices.
        nodules: The nodules to draw.
        seed: Decides vessels, textures, noise and the shapes of the nodules, not where the organs lie.
        origin_lps_mm: LPS position of the first voxel's centre; None puts the chest's middle, LPS (0, 0, 0), in the
            grid's middle.
        direction_lps: 3x3, columns are the LPS directions of the x, y and z axis of the grid; any rotation.
        noise_hu: Standard deviation of the scanner's noise.
    """

    size_xyz: tuple[int, int, int] = (256, 256, 112)
    spacing_mm: Triple = (1.4, 1.4, 2.5)
    nodules: tuple[PhantomNodule, ...] = DEFAULT_NODULES
    seed: int = 0
    origin_lps_mm: Triple | None = None
    direction_lps: tuple[Triple, Triple, Triple] = IDENTITY
    noise_hu: float = 18.0

    def __post_init__(self) -> None:
        if min(self.size_xyz) < 1:
            raise ValueError(f"Expected a size of at least one voxel an axis, got {self.size_xyz}.")
        if not min(self.spacing_mm) > 0:
            raise ValueError(f"Expected positive spacing_mm, got {self.spacing_mm}.")
        direction = np.asarray(self.direction_lps, dtype=np.float64)
        if direction.shape != (3, 3) or np.abs(direction @ direction.T - np.eye(3)).max() > ROTATION_TOLERANCE:
            raise ValueError(f"Expected direction_lps to be an orthonormal 3x3, got {self.direction_lps}.")

    @property
    def affine_lps(self) -> NDArray[np.float64]:
        """4x4 matrix from voxel index (x, y, z) to LPS millimetres."""
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(self.direction_lps) * np.asarray(self.spacing_mm)
        middle_voxel = (np.asarray(self.size_xyz) - 1) / 2
        centred = -affine[:3, :3] @ middle_voxel
        affine[:3, 3] = centred if self.origin_lps_mm is None else self.origin_lps_mm
        return affine


@dataclass(frozen=True)
class Phantom:
    """A synthetic chest CT whose nodules are known.

    Attributes:
        intensity_hu: Hounsfield units within what twelve bits hold, -1024 to 3071, shaped (x, y, z).
        affine_lps: 4x4, voxel index to LPS millimetres.
        nodules: What was drawn.
        spec: What was asked.
    """

    intensity_hu: NDArray[np.int16]
    affine_lps: NDArray[np.float64]
    nodules: tuple[PhantomNodule, ...]
    spec: PhantomSpec
