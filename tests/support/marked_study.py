"""Objects that mark a known nodule in the phantom study, as other programs write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import dcmread

from nodulus.transforms.scan.open import open_ct
from tests.support.dicom_objects import measured, write_rtstruct, write_seg, write_sr

CENTER_LPS_MM, DIAMETER_MM = np.array([72.0, -14.0, 59.0]), 16.0


def write_marks(kind: str, scan: Path, path: Path) -> Path:
    """Write an object that marks a nodule of the phantom in its scan, a folder of slices."""
    slices = [dcmread(each) for each in sorted(scan.glob("*.dcm"))]
    near = [each for each in slices if abs(float(each.ImagePositionPatient[2]) - CENTER_LPS_MM[2]) < DIAMETER_MM / 2]
    if kind == "SR":
        mark = measured("1", "POINT", CENTER_LPS_MM[None], slices[0].FrameOfReferenceUID, DIAMETER_MM)
        return write_sr(path, slices, [mark])
    if kind == "RTSTRUCT":
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=-1)
        heights = [float(each.ImagePositionPatient[2]) - CENTER_LPS_MM[2] for each in near]
        rings = [CENTER_LPS_MM + [0, 0, z] + circle * np.sqrt(DIAMETER_MM**2 / 4 - z**2) for z in heights]
        return write_rtstruct(path, slices[0], {"nodule": rings})
    grid = open_ct(scan).grid
    index = np.indices((*grid.size_xyz[:2], 1)).transpose(1, 2, 3, 0)
    starts = [np.array(each.ImagePositionPatient, dtype=float) for each in near]
    steps = [*grid.spacing_mm[:2], 0.0]
    balls = [np.linalg.norm(start + index * steps - CENTER_LPS_MM, axis=-1) <= DIAMETER_MM / 2 for start in starts]
    return write_seg(path, near, [np.concatenate(balls, axis=2)], ["nodule"])
