"""The phantom's chest without nodules and noise: every tissue, in the order in which it is laid."""

from __future__ import annotations

import numpy as np

from nodulus.transforms.volume import AIR_HU

from .body import Surfaces, paint_abdomen, paint_lungs, paint_mediastinum, paint_table, paint_wall
from .grid import Field, PhantomGrid, Place
from .mediastinum import TRACHEA_WALL_MM, airways, great_vessels, gullet, lymph_nodes
from .noise import TissueTexture
from .seeds import named_random
from .skeleton import CORTEX_HU, MARROW_HU, bone_tubes, paint_skeleton
from .tubes import paint_tubes
from .vessels import lung_bronchi, lung_vessels

BLOOD_HU = 42.0


def chest_hu(grid: PhantomGrid, seed: int) -> Field:
    """Hounsfield units of the chest, (z, y, x)."""
    texture = TissueTexture(named_random(seed, "tissue"))
    hu = np.full(grid.shape_zyx, AIR_HU, dtype=np.float32)
    for slices in grid.slabs():
        _paint_slab(hu[slices], grid.place(slices), texture)
    _paint_tubes(hu, grid, seed)
    return hu


def _paint_slab(hu: Field, place: Place, texture: TissueTexture) -> None:
    surfaces = Surfaces.at(place)
    paint_table(hu, place)
    paint_wall(hu, place, surfaces)
    paint_mediastinum(hu, place, surfaces)
    paint_abdomen(hu, place, surfaces)
    paint_lungs(hu, place, surfaces, texture)
    paint_skeleton(hu, place, surfaces.cavity)


def _paint_tubes(hu: Field, grid: PhantomGrid, seed: int) -> None:
    bones = bone_tubes()
    paint_tubes(hu, grid, bones, CORTEX_HU * 0.7)
    paint_tubes(hu, grid, [bone.grown(-1.4) for bone in bones], MARROW_HU, only_raise=False)
    paint_tubes(hu, grid, great_vessels(), BLOOD_HU)
    paint_tubes(hu, grid, lymph_nodes(), 34.0)
    paint_tubes(hu, grid, lung_vessels(seed), BLOOD_HU)
    paint_tubes(hu, grid, [gullet()], 36.0)
    lumina = [*airways(), *lung_bronchi(seed)]
    walls_mm = [min(TRACHEA_WALL_MM, 0.3 + 0.25 * float(tube.radii_mm.mean())) for tube in lumina]
    paint_tubes(hu, grid, [tube.grown(wall_mm) for tube, wall_mm in zip(lumina, walls_mm, strict=True)], 15.0)
    paint_tubes(hu, grid, lumina, -985.0, only_raise=False)
