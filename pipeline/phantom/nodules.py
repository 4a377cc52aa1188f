"""Lung nodules of chosen texture and margin, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .grid import Field, PhantomGrid, Points
from .outline import Outline, evenly_spread_directions, share_inside, voxels_near
from .seeds import named_random
from .spec import NoduleMargin, PhantomNodule
from .tubes import Tube, paint_tubes

SOLID_HU, GROUND_GLASS_HU, CORE_HU, CALCIFIED_HU = 42.0, -600.0, 25.0, 480.0
GROUND_GLASS_UNEVENNESS_HU = 18.0
CORE_SHARE, CALCIFIED_SHARE = 0.52, 0.55  # of the nodule's diameter
STRAND_HU = {"solid": 15.0, "part_solid": 0.0, "ground_glass": -420.0}


@dataclass(frozen=True)
class Relief:
    """How bumpy a margin is: the bumps' number, their height in radii, how narrow they are."""

    n_bumps: int
    height: float
    sharpness: float


RELIEFS: dict[NoduleMargin, Relief] = {
    "smooth": Relief(0, 0.0, 1.0),
    "lobulated": Relief(8, 0.6, 5.5),
    "spiculated": Relief(14, 0.28, 14.0),
}


@dataclass(frozen=True)
class Layer:
    """A part of a nodule with one density; outline and shift from the nodule's centre in the grid's frame."""

    outline: Outline
    shift_mm: Points
    value_hu: float
    unevenness_hu: float = 0.0


def paint_nodule(hu: Field, grid: PhantomGrid, nodule: PhantomNodule, seed: int) -> None:
    """Paints a nodule into a volume (z, y, x), in place; what is denser, a vessel or a rib, stays."""
    random = named_random(seed, f"nodule {nodule.nodule_id}")
    outline = _outline(nodule, random)
    centre_mm = grid.to_grid_mm(np.array([nodule.center_lps_mm]))[0]
    layers, strands = _layers(nodule, outline, random), _spicules(nodule, outline, random)
    for layer in layers:
        turned = replace(layer, outline=layer.outline.turned(grid.direction), shift_mm=layer.shift_mm @ grid.direction)
        _paint_layer(hu, grid, centre_mm, turned, random)
    paint_tubes(hu, grid, strands, STRAND_HU[nodule.texture])


def _outline(nodule: PhantomNodule, random: np.random.Generator) -> Outline:
    relief = RELIEFS[nodule.margin]
    bumps = _scattered_directions(relief.n_bumps, 0.25, random)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    heights = relief.height * random.uniform(0.5, 1.2, relief.n_bumps)
    return Outline(nodule.diameter_mm / 2, bumps @ turn, heights, relief.sharpness)


def _scattered_directions(n_directions: int, scatter: float, random: np.random.Generator) -> Points:
    """Directions far apart, but not in a pattern: an even spread, shaken."""
    if n_directions == 0:
        return np.empty((0, 3))
    directions = evenly_spread_directions(n_directions) + random.normal(scale=scatter, size=(n_directions, 3))
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def _layers(nodule: PhantomNodule, outline: Outline, random: np.random.Generator) -> list[Layer]:
    """The nodule's parts, from the outside in, in LPS directions."""
    here = np.zeros(3)
    if nodule.texture == "solid":
        layers = [Layer(outline, here, SOLID_HU)]
    else:
        layers = [Layer(outline, here, GROUND_GLASS_HU, GROUND_GLASS_UNEVENNESS_HU)]
    if nodule.texture == "part_solid":
        core = replace(outline, radius_mm=outline.radius_mm * CORE_SHARE, bumps=outline.bumps[::-1])
        aside = _scattered_directions(1, 1.0, random)[0] * 0.2 * core.radius_mm
        layers.append(Layer(core, aside, CORE_HU))
    if nodule.is_calcified:
        layers.append(Layer(Outline.sphere(outline.radius_mm * CALCIFIED_SHARE), here, CALCIFIED_HU))
    return layers


def _paint_layer(hu: Field, grid: PhantomGrid, centre_mm: Points, layer: Layer, random: np.random.Generator) -> None:
    middle_mm = centre_mm + layer.shift_mm
    box = voxels_near(grid, middle_mm, layer.outline)
    if box is None:
        return
    share = share_inside(grid, box, middle_mm, layer.outline)
    value_hu = np.full_like(share, layer.value_hu)
    if layer.unevenness_hu:
        speckle = ndimage.gaussian_filter(random.standard_normal(share.shape, dtype=np.float32), 1.0)
        value_hu += layer.unevenness_hu * speckle / max(float(speckle.std()), 1e-6)
    hu[box] += share * np.maximum(value_hu - hu[box], 0)


def _spicules(nodule: PhantomNodule, outline: Outline, random: np.random.Generator) -> list[Tube]:
    """Thin strands that leave a spiculated surface and taper off in the lung."""
    if nodule.margin != "spiculated":
        return []
    n_spicules = int(14 + nodule.diameter_mm)
    directions = _scattered_directions(n_spicules, 0.3, random)
    start = outline.radius_at(directions.astype(np.float32)).astype(np.float64)
    length = random.uniform(0.35, 1.1, n_spicules) * outline.radius_mm + 2.0
    sway = random.normal(scale=0.12, size=(n_spicules, 3)) * length[:, None]
    centre = np.array(nodule.center_lps_mm)
    thick = 0.45 + 0.05 * outline.radius_mm
    return [
        Tube(
            np.array([centre + 0.85 * a * u, centre + (a + 0.5 * b) * u, centre + (a + b) * u + s]),
            np.array([1.6 * thick, thick, 0.3]),
        )
        for u, a, b, s in zip(directions, start, length, sway, strict=True)
    ]
