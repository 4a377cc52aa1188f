"""Phantoms to train and to test a detector on: nodules at places in the lungs that a seed draws."""

from __future__ import annotations

import numpy as np

from nodulus.pipeline.phantom import Phantom, PhantomNodule, PhantomSpec, make_phantom
from nodulus.pipeline.phantom.grid import Place
from nodulus.pipeline.phantom.spec import NoduleMargin, NoduleTexture
from nodulus.pipeline.phantom.thorax import lung_distance_mm
from nodulus.transforms.geometry import Grid
from nodulus.transforms.volume import CTVolume, volume_from_array

DIAMETERS_MM = (7.0, 24.0)
TEXTURES: tuple[NoduleTexture, ...] = ("solid", "solid", "part_solid", "ground_glass")
MARGINS: tuple[NoduleMargin, ...] = ("smooth", "lobulated", "spiculated")
# Within which the lungs lie, LPS mm.
LUNGS_MM = ((-135.0, 135.0), (-85.0, 90.0), (-120.0, 120.0))
APART_MM = 6.0


def draw_phantom(seed: int, n_nodules: int) -> Phantom:
    """Return a phantom of the size of the demo with nodules in its lungs, which touch neither wall nor each other."""
    random = np.random.default_rng(seed)
    nodules: list[PhantomNodule] = []
    while len(nodules) < n_nodules:
        drawn = _draw_nodule(random, f"{seed}.{len(nodules) + 1}")
        if _is_in_the_lungs(drawn) and all(_are_apart(drawn, other) for other in nodules):
            nodules.append(drawn)
    return make_phantom(PhantomSpec(nodules=tuple(nodules), seed=seed))


def scan_of(phantom: Phantom) -> CTVolume:
    """Return a phantom as a scan that was read."""
    grid = Grid(phantom.spec.size_xyz, phantom.affine_lps)
    return volume_from_array(phantom.intensity_hu.astype(np.float32), grid)


def _draw_nodule(random: np.random.Generator, name: str) -> PhantomNodule:
    x, y, z = (float(random.uniform(low, high)) for low, high in LUNGS_MM)
    diameter_mm = float(np.exp(random.uniform(*np.log(DIAMETERS_MM))))
    texture, margin = TEXTURES[random.integers(len(TEXTURES))], MARGINS[random.integers(len(MARGINS))]
    return PhantomNodule(name, (x, y, z), diameter_mm, texture, margin, is_calcified=bool(random.random() < 0.1))


def _is_in_the_lungs(nodule: PhantomNodule) -> bool:
    x, y, z = (np.array([at], dtype=np.float32) for at in nodule.center_lps_mm)
    return bool(lung_distance_mm(Place(x, y, z, 1.0))[0] < -nodule.diameter_mm / 2)


def _are_apart(one: PhantomNodule, other: PhantomNodule) -> bool:
    away_mm = float(np.linalg.norm(np.subtract(one.center_lps_mm, other.center_lps_mm)))
    return away_mm > (one.diameter_mm + other.diameter_mm) / 2 + APART_MM
