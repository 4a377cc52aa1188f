"""Ribs, costal cartilage, sternum, shoulder blades and spine."""

from __future__ import annotations

import numpy as np

from .grid import Field, Place
from .shapes import Profile, ellipse, paint, ramp
from .thorax import SPINE_Y
from .tubes import Tube

CORTEX_HU, MARROW_HU, CARTILAGE_HU, DISC_HU = 720.0, 230.0, 105.0, 85.0
VERTEBRA_PITCH_MM = 25.0
FIRST_RIB_HEAD_Z_MM = 122.0
N_RIBS = 12
RIB_FALL = 0.55  # millimetres down for each millimetre forward: about thirty degrees
RIB_DEPTH_MM = 6.5  # of the rib's middle, outside the pleura

VERTEBRAE_Z_MM = tuple(FIRST_RIB_HEAD_Z_MM + 25 - VERTEBRA_PITCH_MM * number for number in range(13))
STERNUM_HALF_WIDTH = Profile((-75, 3), (-55, 9), (-40, 15), (45, 15), (58, 19), (76, 27), (84, 24))
STERNUM_Z_RANGE_MM = (-70.0, 82.0)


def paint_skeleton(hu: Field, place: Place, cavity_mm: Field) -> None:
    """Paints the bones of a slab, in place."""
    near_cage = (cavity_mm > -1) & (cavity_mm < 26)
    spot, depth = place.where(near_cage), cavity_mm[near_cage]
    shell = hu[near_cage]
    _paint_ribs(shell, spot, depth)
    _paint_sternum(shell, spot, depth)
    _paint_shoulder_blades(shell, spot, depth)
    hu[near_cage] = shell
    near_spine = np.broadcast_to(np.abs(place.x_mm) < 30, place.shape) & (place.y_mm > SPINE_Y(place.z_mm) - 20)
    near_spine &= place.y_mm < SPINE_Y(place.z_mm) + 42
    column = hu[near_spine]
    _paint_spine(column, place.where(near_spine))
    hu[near_spine] = column


def _paint_bone(hu: Field, distance_mm: Field, edge_mm: float, cortex_mm: float = 1.3) -> None:
    paint(hu, distance_mm, CORTEX_HU, edge_mm)
    paint(hu, distance_mm + cortex_mm, MARROW_HU, edge_mm)


def _paint_ribs(hu: Field, place: Place, cavity_mm: Field) -> None:
    """Ribs: arches in a shell around the cavity that fall forward; their cartilage climbs to the sternum."""
    x = np.abs(place.x_mm)
    radius = np.sqrt(x * x + place.y_mm * place.y_mm) + 1
    forwardness = -place.y_mm / radius
    fall = RIB_FALL * (80 - place.y_mm)
    climb = 0.95 * np.maximum(72 - x, 0) * ramp((forwardness - 0.55) * 4)
    along_z = (FIRST_RIB_HEAD_Z_MM - place.z_mm - fall + climb) / VERTEBRA_PITCH_MM
    number = np.round(along_z)
    height = (along_z - number) * VERTEBRA_PITCH_MM / np.sqrt(1 + RIB_FALL**2)
    distance = ellipse(cavity_mm - RIB_DEPTH_MM, height, 3.6, 6.0 - 0.8 * ramp(-number / 2 + 1))
    is_floating = number > 9
    reaches = (number >= 0) & (number < N_RIBS) & (~is_floating | (forwardness < 0.35))
    is_beside_spine = (x > 17) | (place.y_mm < 0)
    distance = np.where(reaches & is_beside_spine, distance, np.float32(99))
    is_cartilage = ramp((forwardness - 0.70 - 0.02 * number) * 25)
    paint(hu, distance, CORTEX_HU + is_cartilage * (CARTILAGE_HU - CORTEX_HU), place.edge_mm)
    paint(hu, distance + 1.3, MARROW_HU + is_cartilage * (CARTILAGE_HU - MARROW_HU), place.edge_mm)


def _paint_sternum(hu: Field, place: Place, cavity_mm: Field) -> None:
    low, high = STERNUM_Z_RANGE_MM
    across = ellipse(place.x_mm, cavity_mm - 9, STERNUM_HALF_WIDTH(place.z_mm), 6.0)
    distance = np.maximum(np.maximum(across, place.y_mm + 15), np.maximum(low - place.z_mm, place.z_mm - high))
    _paint_bone(hu, distance, place.edge_mm, cortex_mm=1.1)


def _paint_shoulder_blades(hu: Field, place: Place, cavity_mm: Field) -> None:
    """Shoulder blades: thin plates behind the ribs, wider at the top, a little closer to the ribs at their rim."""
    x = np.abs(place.x_mm)
    bow = 0.0018 * (x - 85) ** 2
    plate = np.abs(cavity_mm - 20 + bow) - 1.6 - 2.2 * ramp((x - 95) / 25)
    outline = np.maximum(58 - x, x - 84 - 0.5 * (place.z_mm + 5))
    outline = np.maximum(outline, np.maximum(-8 - place.z_mm, place.z_mm - 98))
    distance = np.maximum(plate, np.maximum(outline, 22 - place.y_mm))
    _paint_bone(hu, distance, place.edge_mm, cortex_mm=1.4)


def _paint_spine(hu: Field, place: Place) -> None:
    """Vertebral bodies with discs between, and the canal with its bony ring."""
    y = place.y_mm - SPINE_Y(place.z_mm)
    from_middle = np.abs(_from_vertebra_mm(place.z_mm))
    waist = 1.6 * (1 - ramp(from_middle / 9))
    body = ellipse(place.x_mm, y, 16.5 - waist, 13.5 - waist)
    paint(hu, body, DISC_HU, place.edge_mm)
    vertebra = np.maximum(body, from_middle - 10.2)
    paint(hu, vertebra, CORTEX_HU * 0.75, place.edge_mm)
    paint(hu, vertebra + 1.5, MARROW_HU - 40, place.edge_mm)
    canal = ellipse(place.x_mm, y - 22, 9.5, 8.5)
    arch_height = np.abs(_from_vertebra_mm(place.z_mm - 2 + 0.35 * np.maximum(y - 22, 0)))
    arch = np.maximum(np.maximum(canal - 4.5, arch_height - 8), 12 - y)
    _paint_bone(hu, arch, place.edge_mm)
    paint(hu, canal, -40.0, place.edge_mm)
    paint(hu, canal + 2.0, 12.0, place.edge_mm)
    paint(hu, ellipse(place.x_mm, y - 22, 5.2, 4.2), 40.0, place.edge_mm)


def _from_vertebra_mm(z_mm: Field) -> Field:
    """Height above the middle of the nearest vertebra."""
    steps = (z_mm - FIRST_RIB_HEAD_Z_MM) / VERTEBRA_PITCH_MM
    return (steps - np.round(steps)) * VERTEBRA_PITCH_MM


def bone_tubes() -> list[Tube]:
    """Collar bones, and the processes of the vertebrae."""
    tubes = []
    for side in (-1, 1):
        collar = [(side * 17, -62, 76), (side * 55, -58, 92), (side * 90, -38, 108), (side * 128, -14, 118)]
        tubes.append(Tube.through(collar, [7.5, 5.5, 5.0, 7.0]))
    for z in VERTEBRAE_Z_MM:
        y = float(SPINE_Y(np.array([z], dtype=np.float32))[0])
        tubes += [Tube.through([(s * 11, y + 19, z), (s * 33, y + 33, z + 2)], [4.5, 3.8]) for s in (-1, 1)]
        tubes.append(Tube.through([(0, y + 34, z - 4), (0, y + 58, z - 22)], [3.0, 3.6]))
    return tubes
