"""The soft tissues and the lungs of a slab of the phantom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nodulus.transforms.volume import AIR_HU

from .grid import Field, Place
from .noise import TissueTexture
from .shapes import Profile, coverage, ellipse, ellipsoid, paint, ramp
from .thorax import (
    SPINE_Y,
    cavity_distance_mm,
    diaphragm_distance_mm,
    heart_distance_mm,
    lungs_between_mm,
    mediastinum_distance_mm,
    skin_distance_mm,
)

FAT_HU, MUSCLE_HU, SKIN_HU, LIVER_HU, SPLEEN_HU = -102.0, 52.0, 15.0, 58.0, 48.0
TABLE_Y_MM = 121.0
SUBCUTANEOUS_FAT_MM = Profile((-140, 15), (0, 11), (60, 10), (120, 12))


@dataclass(frozen=True)
class Surfaces:
    """The signed distances, in millimetres, that more than one tissue of a slab needs."""

    skin: Field
    cavity: Field
    heart: Field
    diaphragm: Field
    lungs: Field

    @classmethod
    def at(cls, place: Place) -> Surfaces:
        """The distances of a slab's voxels."""
        cavity, heart, diaphragm = cavity_distance_mm(place), heart_distance_mm(place), diaphragm_distance_mm(place)
        lungs = lungs_between_mm(cavity, mediastinum_distance_mm(place, heart), diaphragm)
        return cls(skin_distance_mm(place), cavity, heart, diaphragm, lungs)


def paint_table(hu: Field, place: Place) -> None:
    """Paints the scanner's table under the back: a thin curved shell around foam."""
    top = place.y_mm - (TABLE_Y_MM - 0.0007 * place.x_mm**2)
    shell = np.maximum(np.abs(top - 9) - 9, np.abs(place.x_mm) - 195)
    paint(hu, shell, -260.0, place.edge_mm)
    paint(hu, shell + 1.5, -930.0, place.edge_mm)


def paint_wall(hu: Field, place: Place, surfaces: Surfaces) -> None:
    """Paints skin, fat and the muscles of the chest wall."""
    edge = place.edge_mm
    paint(hu, surfaces.skin, SKIN_HU, edge)
    paint(hu, surfaces.skin + 1.8, FAT_HU, edge)
    muscle = np.maximum(surfaces.cavity - _muscle_depth_mm(place), surfaces.skin + SUBCUTANEOUS_FAT_MM(place.z_mm))
    spine_y = SPINE_Y(place.z_mm)
    back = ellipse(np.abs(place.x_mm) - 26, place.y_mm - spine_y - 41, 23.0, 17.0)
    neck = np.maximum(ellipse(np.abs(place.x_mm) - 24, place.y_mm - spine_y + 14, 40.0, 48.0), 90 - place.z_mm)
    muscle = np.minimum(np.minimum(muscle, back), np.maximum(neck, surfaces.skin + 6))
    shares = coverage(muscle, edge)
    hu += shares * (1 - _fat_planes(place, surfaces.cavity)) * (MUSCLE_HU - hu)


def _muscle_depth_mm(place: Place) -> Field:
    """How far muscle reaches outside the cavity: pectoral in front, shoulder girdle above, thin at the flanks."""
    upper = ramp((place.z_mm + 45) / 60)
    forward, backward = ramp(-place.y_mm / 60 - 0.2), ramp(place.y_mm / 60 - 0.1)
    off_centre = ramp(np.abs(place.x_mm) / 22 - 0.5)
    girdle = ramp((place.z_mm - 28) / 60) * np.maximum(ramp(np.abs(place.x_mm) / 60 - 0.3), 0.7 * backward)
    shoulder_blade = ramp((place.z_mm + 25) / 30) * backward * ramp(np.abs(place.x_mm) / 20 - 2.2)
    depth = 13 + 9 * forward * upper * off_centre + 5 * backward + 10 * shoulder_blade + 50 * girdle
    return np.asarray(depth, dtype=np.float32)


def _fat_planes(place: Place, cavity_mm: Field) -> Field:
    """Share of fat in the thin layers between muscles, which follow the rib cage; the armpit's pad of fat."""
    waver = 1.5 * np.sin(place.x_mm / 17) * np.cos(place.y_mm / 23 + place.z_mm / 31)
    layer = np.abs(np.mod(cavity_mm + waver - 12, 13.0) - 6.5) - 5.9
    planes = ramp(layer * 1.2) * ramp((cavity_mm - 10) / 4) * 0.75
    pad = ellipsoid((np.abs(place.x_mm) - 113, place.y_mm + 12, place.z_mm - 60), (17.0, 25.0, 48.0))
    return np.asarray(np.maximum(planes, 0.97 * ramp(0.5 - pad / 4)), dtype=np.float32)


def paint_abdomen(hu: Field, place: Place, surfaces: Surfaces) -> None:
    """Paints what lies under the diaphragm: fat, liver, spleen, and the stomach with its bubble of air."""
    if place.z_range_mm[0] > -50:
        return
    edge = place.edge_mm
    inside = np.maximum(surfaces.cavity + 1, surfaces.diaphragm)
    paint(hu, inside, MUSCLE_HU, edge)
    inside = inside + 2.6
    paint(hu, inside, FAT_HU, edge)
    x, y, z = place.x_mm, place.y_mm, place.z_mm
    liver = np.maximum(inside + 0.3, ellipsoid((x + 52, y + 2, z + 128), (104.0, 96.0, 92.0)))
    behind_spine_front = ellipse(x - 6, y - SPINE_Y(z) - 2, 27.0, 32.0)
    paint(hu, np.maximum(liver, 2 - behind_spine_front), LIVER_HU, edge)
    spleen = ellipsoid((x - 98, y - 34, z + 118), (28.0, 44.0, 34.0))
    paint(hu, np.maximum(inside + 1, spleen), SPLEEN_HU, edge)
    stomach = np.maximum(inside + 1, ellipsoid((x - 62, y + 22, z + 112), (44.0, 42.0, 36.0)))
    paint(hu, stomach, 38.0, edge)
    paint(hu, stomach + 4, 14.0, edge)
    paint(hu, np.maximum(stomach + 4, y + 30), AIR_HU + 5, edge)


def paint_mediastinum(hu: Field, place: Place, surfaces: Surfaces) -> None:
    """Paints the fat between the lungs, and the heart in its pericardium."""
    edge = place.edge_mm
    between = np.maximum(np.maximum(surfaces.cavity, -surfaces.lungs), -surfaces.diaphragm)
    paint(hu, between, FAT_HU + 4, edge)
    if place.z_range_mm[1] < -110 or place.z_range_mm[0] > 15:
        return
    heart = np.maximum(surfaces.heart, 1.5 - surfaces.diaphragm)
    paint(hu, heart - 1.2, 20.0, edge)
    paint(hu, heart + 0.3, FAT_HU + 8, edge)
    x, y, z = place.x_mm, place.y_mm, place.z_mm
    paint(hu, heart + _epicardial_fat_mm(place), 50.0, edge)
    left_ventricle = ellipsoid((x - 36, y + 28, z + 54), (29.0, 21.0, 23.0))
    right_ventricle = ellipsoid((x - 4, y + 44, z + 46), (28.0, 18.0, 26.0))
    paint(hu, np.maximum(np.minimum(left_ventricle, right_ventricle), heart + 6), 38.0, edge)


def _epicardial_fat_mm(place: Place) -> Field:
    """Thickness of the fat on the heart: patchy, and deep in the grooves between its chambers."""
    x, y, z = place.x_mm, place.y_mm, place.z_mm
    patches = 2.2 + 2.6 * np.sin(x / 13 + y / 19) * np.cos(z / 15 - x / 31)
    between_atria_and_ventricles = 0.70 * (x - 8) - 0.52 * (y + 22) - 0.49 * (z + 40)
    between_ventricles = 0.62 * (x - 26) + 0.62 * (y + 40) + 0.3 * (z + 46)
    grooves = 11 * np.exp(-((between_atria_and_ventricles / 4.5) ** 2))
    grooves = grooves + 7 * np.exp(-((between_ventricles / 4) ** 2)) * ramp(-(y + 30) / 20)
    return np.asarray(np.maximum(patches, 0.4) + grooves, dtype=np.float32)


def paint_lungs(hu: Field, place: Place, surfaces: Surfaces, texture: TissueTexture) -> None:
    """Paints the parenchyma, denser where it hangs down, and the fissures between the lobes."""
    edge = place.edge_mm
    mask = surfaces.lungs < edge
    if not mask.any():
        return
    spot, distance = place.where(mask), surfaces.lungs[mask]
    lung = hu[mask]
    gravity = 46 * (spot.y_mm + 75) / 150
    basal = 14 * ramp((-30 - spot.z_mm) / 60)
    uneven = texture(spot)
    paint(lung, distance, -878 + gravity + basal + 17 * uneven + 7 * uneven * np.maximum(uneven, 0), edge)
    thin = 0.8 / max(edge, 0.8)
    for fissure in _fissures_mm(spot):
        lung += (distance < -1.0) * thin * coverage(np.abs(fissure) - edge / 2, edge) * 0.6 * (-520 - lung)
    hu[mask] = lung


def _fissures_mm(place: Place) -> tuple[Field, Field]:
    """Distance from the oblique fissures, and from the right lung's horizontal one."""
    x, y, z = place.x_mm, place.y_mm, place.z_mm
    bend = 0.0012 * (np.abs(x) - 70) ** 2
    oblique = (z - 22 - 1.05 * (y - 10) + bend) / 1.45
    horizontal = z - 12 + 0.0016 * ((x + 75) ** 2 + (y + 40) ** 2)
    is_middle = (x < 0) & (oblique > 0)
    return oblique, np.where(is_middle, horizontal, np.float32(99))
