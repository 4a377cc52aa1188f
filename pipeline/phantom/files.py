"""A phantom as files: NIfTI and the table of its nodules; each appears under its name only when whole."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from nodulus.pipeline.csv_files import csv_text
from nodulus.pipeline.files import replacing_file, write_text

from .spec import Phantom

SCANNER_FRAME = 1  # NIFTI_XFORM_SCANNER_ANAT
NODULE_COLUMNS = ("nodule_id", "x_mm", "y_mm", "z_mm", "diameter_mm")


def write_nifti(phantom: Phantom, path: Path) -> Path:
    """Writes a phantom as NIfTI and returns the path.

    Args:
        phantom: What to write.
        path: File ending in .nii or .nii.gz.
    """
    affine_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ phantom.affine_lps
    image = nib.Nifti1Image(phantom.intensity_hu, affine_ras)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(1, 0)
    image.header["descrip"] = b"synthetic phantom, no patient"
    image.set_qform(affine_ras, SCANNER_FRAME)
    image.set_sform(affine_ras, SCANNER_FRAME)
    with replacing_file(path) as partial:
        nib.save(image, partial)
    return path


def write_nodule_table(phantom: Phantom, path: Path) -> Path:
    """Writes the nodules as CSV, centres in LPS millimetres, and returns the path."""
    rows = ((each.nodule_id, *each.center_lps_mm, each.diameter_mm) for each in phantom.nodules)
    return write_text(path, csv_text(NODULE_COLUMNS, rows))
