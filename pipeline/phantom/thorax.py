"""The surfaces that shape a chest: skin, rib cage, mediastinum, heart, diaphragm, and what they leave for the lungs.

Each function returns signed distances in millimetres, negative inside.
"""

from __future__ import annotations

import numpy as np

from .grid import Field, Place
from .shapes import Profile, ellipse, ellipsoid, ramp, smooth_union

LUNG_APEX_MM = 122.0

SKIN_HALF_WIDTH = Profile((-140, 154), (-60, 160), (0, 164), (60, 166), (100, 163), (125, 150), (150, 118))
SKIN_FRONT = Profile((-140, -100), (-60, -107), (-20, -108), (30, -99), (75, -76), (100, -66), (140, -58))
SKIN_BACK = Profile((-140, 115), (-60, 117), (-20, 118), (30, 117), (75, 110), (100, 103), (140, 90))

# Each half of the rib cage is an ellipse; the two overlap in the middle, which leaves the spine's indentation.
HALF_CENTRE_X = Profile((-140, 64), (-70, 64), (-20, 60), (30, 54), (70, 46), (100, 38), (122, 33))
HALF_CENTRE_Y = Profile((-140, 2), (-20, 2), (30, 4), (70, 10), (100, 15), (122, 18))
HALF_WIDTH = Profile((-140, 70), (-70, 69), (-20, 66), (30, 58), (70, 46), (95, 31), (108, 22), (116, 14), (122, 2))
HALF_DEPTH = Profile((-140, 86), (-70, 85), (-20, 82), (30, 74), (70, 60), (95, 42), (108, 29), (116, 17), (122, 2))

SPINE_Y = Profile((-140, 45), (-60, 48), (-20, 47), (30, 41), (75, 30), (100, 22), (140, 8))
HEART_AXES_LPS = ((0.70, -0.52, -0.49), (0.60, 0.80, 0.0), (0.392, -0.294, 0.872))
HEART_CENTER_MM = (19.0, -26.0, -46.0)
HEART_HALF_AXES_MM = (66.0, 46.0, 48.0)


def skin_distance_mm(place: Place) -> Field:
    """Distance from the skin: a rounded box, flatter at the back, with a furrow along the spine."""
    flat_half_width = 48.0
    front, back = SKIN_FRONT(place.z_mm), SKIN_BACK(place.z_mm)
    outward_x = np.maximum(np.abs(place.x_mm) - flat_half_width, 0)
    half_width = SKIN_HALF_WIDTH(place.z_mm) - flat_half_width
    furrow = 5 * np.exp(-((place.x_mm / 17) ** 2)) * ramp(place.y_mm / 50)
    return ellipse(outward_x, place.y_mm - (front + back) / 2, half_width, (back - front) / 2) + furrow


def cavity_distance_mm(place: Place) -> Field:
    """Distance from the inner surface of the rib cage, which goes on below the diaphragm."""
    notch_mm = 13 + 17 * ramp(-place.y_mm / 40)  # deep at the spine, shallow at the sternum
    x = np.sqrt(place.x_mm * place.x_mm + notch_mm * notch_mm) - HALF_CENTRE_X(place.z_mm)
    y = place.y_mm - HALF_CENTRE_Y(place.z_mm)
    across = ellipse(x, y, HALF_WIDTH(place.z_mm), HALF_DEPTH(place.z_mm))
    steepness = HALF_DEPTH.slope(place.z_mm)
    return np.asarray(np.maximum(across / np.sqrt(1 + steepness**2), place.z_mm - LUNG_APEX_MM), dtype=np.float32)


def heart_distance_mm(place: Place) -> Field:
    """Distance from the pericardium: an ellipsoid that points left, forward and down."""
    x, y, z = (
        axis - middle for axis, middle in zip((place.x_mm, place.y_mm, place.z_mm), HEART_CENTER_MM, strict=True)
    )
    along_1, along_2, along_3 = (a * x + b * y + c * z for a, b, c in HEART_AXES_LPS)
    return ellipsoid((along_1, along_2, along_3), HEART_HALF_AXES_MM)


def mediastinum_distance_mm(place: Place, heart_mm: Field) -> Field:
    """Distance from all that lies between the lungs: spine, great vessels, retrosternal fat and heart."""
    spine_y = SPINE_Y(place.z_mm)
    front_y = HALF_CENTRE_Y(place.z_mm) - HALF_DEPTH(place.z_mm)
    spine = ellipse(place.x_mm, place.y_mm - spine_y - 4, 20.0, 22.0)
    middle = ellipse(place.x_mm - 3, place.y_mm - spine_y + 38, 27.0, 36.0)
    front = ellipse(place.x_mm - 3, place.y_mm - front_y - 24, 9.0, 36.0)
    column = smooth_union(smooth_union(spine, middle, 14.0), front, 18.0)
    return smooth_union(column, heart_mm - 3, 14.0)


def diaphragm_distance_mm(place: Place) -> Field:
    """Distance from the upper face of the diaphragm, negative below it: two domes, the right one higher."""
    is_right = ramp(0.5 - place.x_mm / 30)
    forward_y = place.y_mm + 12
    dip_right = ((place.x_mm + 55) / 82) ** 2 + (forward_y / 98) ** 2
    dip_left = ((place.x_mm - 60) / 82) ** 2 + (forward_y / 98) ** 2
    top_right = -63 - 52 * dip_right
    top_left = -75 - 44 * dip_left
    top = is_right * top_right + (1 - is_right) * top_left
    steepness = np.sqrt(1 + (is_right * dip_right + (1 - is_right) * dip_left))
    return (place.z_mm - top) / steepness


def lung_distance_mm(place: Place) -> Field:
    """Distance from the lungs' surface, for choosing places in them."""
    mediastinum = mediastinum_distance_mm(place, heart_distance_mm(place))
    return lungs_between_mm(cavity_distance_mm(place), mediastinum, diaphragm_distance_mm(place))


def lungs_between_mm(cavity_mm: Field, mediastinum_mm: Field, diaphragm_mm: Field) -> Field:
    """Distance from the lungs: what is in the cavity, outside the mediastinum and above the diaphragm."""
    beside = -smooth_union(-cavity_mm, mediastinum_mm, 7.0)
    return np.maximum(beside, -diaphragm_mm)
