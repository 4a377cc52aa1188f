"""A synthetic chest CT with lung nodules whose place, size and kind are known."""

from __future__ import annotations

import numpy as np

from .anatomy import chest_hu
from .dicom import write_dicom_series
from .files import write_nifti, write_nodule_table
from .grid import PhantomGrid
from .nodules import paint_nodule
from .noise import ScannerNoise
from .seeds import named_random
from .spec import DEFAULT_NODULES, NoduleMargin, NoduleTexture, Phantom, PhantomNodule, PhantomSpec

__all__ = [
    "DEFAULT_NODULES",
    "NoduleMargin",
    "NoduleTexture",
    "Phantom",
    "PhantomNodule",
    "PhantomSpec",
    "make_phantom",
    "write_dicom_series",
    "write_nifti",
    "write_nodule_table",
]

LOWEST_HU, HIGHEST_HU = -1024, 3071  # what CT stores in twelve bits


def make_phantom(spec: PhantomSpec | None = None) -> Phantom:
    """A chest CT as a spec asks, the same voxels for the same spec.

    Args:
        spec: Size, place, nodules and seed; the default is a study of 112 slices with six nodules.
    """
    spec = spec or PhantomSpec()
    grid = PhantomGrid(spec)
    hu = chest_hu(grid, spec.seed)
    for nodule in spec.nodules:
        paint_nodule(hu, grid, nodule, spec.seed)
    noise = ScannerNoise(named_random(spec.seed, "scanner"), spec.noise_hu)
    intensity = np.empty(grid.shape_zyx, dtype=np.int16)
    for slices in grid.slabs():
        noise.add_to(hu[slices])
        intensity[slices] = np.clip(np.rint(hu[slices]), LOWEST_HU, HIGHEST_HU)
    return Phantom(intensity.transpose(2, 1, 0), spec.affine_lps, spec.nodules, spec)
