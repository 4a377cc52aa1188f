"""A small sound file of every format that nodules are read from, about the tiny oblique series."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset

from .dicom_objects import SPACING_MM, ct_series, write_seg
from .nodule_objects import (
    BIG,
    DIAMETER,
    SMALL,
    ball_mask,
    ball_rings,
    drawn_in_space,
    drawn_on_image,
    group,
    measured_mm,
    write_report,
    write_rois,
)

SEGMENTATIONS = ("BINARY", "FRACTIONAL", "LABELMAP")
_SQUARE = ([0, 0, 3], [9, 0, 3], [9, 9, 3], [0, 9, 3])
_MARKUPS = [
    {"type": "Line", "controlPoints": [{"position": [1, 2, 3]}, {"position": [1, 2, 11]}]},
    {"type": "ClosedCurve", "controlPoints": [{"position": corner} for corner in _SQUARE]},
    {"type": "ROI", "center": [1, 2, 3], "size": [7, 8, 9], "orientation": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    {"type": "Fiducial", "controlPoints": [{"label": "R4", "description": "8 mm", "position": [1, 2, 3]}]},
]
_TEXTS = {
    "ours.csv": "nodule_id,x_mm,y_mm,z_mm,diameter_mm\na,1,2,3,8\nb,4,5,6,7.5\n",
    "luna16.csv": "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3.4.5.6,1,2,3,8\n",
    "ours.json": '[{"nodule_id": "a", "center_lps_mm": [1, 2, 3], "diameter_mm": 8}]',
    "boxes.json": '[{"image": "a.nii", "box": [[1, 2, 3, 4, 5, 6]], "label_scores": [0.9]}]',
    "marks.mrk.json": json.dumps({"markups": _MARKUPS}),
    "marks.fcsv": "# CoordinateSystem = LPS\n# columns = id,x,y,z,label,desc\n1,1,2,3,R4,8 mm\n",
}
_MASKS = ("mask.nii", "mask.nrrd", "mask.mha")
FORMATS = (*_TEXTS, *_MASKS, *SEGMENTATIONS, "RTSTRUCT", "SR")


def write_nodule_file(kind: str, folder: Path) -> Path:
    """Write a file of one of `FORMATS`: two balls outlined, or a few lesions marked."""
    if kind in _TEXTS:
        (folder / kind).write_text(_TEXTS[kind])
        return folder / kind
    if kind in _MASKS:
        image = sitk.GetImageFromArray(ball_mask(BIG).astype(np.uint8).T)
        image.SetSpacing(SPACING_MM)
        sitk.WriteImage(image, str(folder / kind))
        return folder / kind
    ct = ct_series()
    if kind in SEGMENTATIONS:
        return write_seg(folder / f"{kind}.dcm", ct, [ball_mask(BIG)], ["A"], kind)
    if kind == "RTSTRUCT":
        return write_rois(folder / "rt.dcm", ct[0], {"A": ball_rings(BIG), "B": ball_rings(SMALL)})
    return write_report(folder / "sr.dcm", ct[0], _groups(ct[0]))


def _groups(image: Dataset) -> list[Dataset]:
    """Return measurement groups with outlines, a caliper, a point, and a point on an image."""
    frame_uid = image.FrameOfReferenceUID
    rings = [drawn_in_space("POLYGON", one, frame_uid) for one in ball_rings(BIG)]
    caliper = drawn_in_space("POLYLINE", [[90, 0, 0], [90, 0, 7]], frame_uid)
    point = drawn_in_space("POINT", [1, 2, 3], frame_uid)
    size = measured_mm(DIAMETER, 8)
    on_image = group("D", drawn_on_image("POINT", [1, 2], image), size)
    return [group("A", *rings, size), group("B", caliper), group("C", point, size), on_image]
