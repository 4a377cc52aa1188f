"""A nodule's surroundings cut out of its scan, at the scan's own voxels: a file that trains as the scan would."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from nodulus.pipeline.files import replacing_file
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.placement import nodule_box
from nodulus.transforms.geometry import apply_affine, swap_lps_ras
from nodulus.transforms.patches.neighbourhood import voxel_range
from nodulus.transforms.problems import UsageError
from nodulus.transforms.volume import CTVolume

# What is beyond the box is shown by turned and shifted patches, and measured: noise, lung about the nodule.
MARGIN_MM = 20.0
_SCANNER_FRAME = 1  # NIFTI_XFORM_SCANNER_ANAT
_INT16 = (-32768, 32767)


def write_crop(volume: CTVolume, nodule: Nodule, margin_mm: float, path: Path) -> None:
    """Write the voxels of a nodule's box and of a margin about it as NIfTI, whole Hounsfield units.

    Raises:
        UsageError: the slices do not stand at equal distances, which no affine says.
        InputRefusedError: a slice cannot be read.
    """
    if not volume.grid.is_uniform:
        raise UsageError("Expected slices at equal distances, got steps")
    box = nodule_box(nodule)
    low_mm, high_mm = np.asarray(box.low_lps_mm) - margin_mm, np.asarray(box.high_lps_mm) + margin_mm
    low, high = voxel_range(volume.grid, (*low_mm.tolist(), *high_mm.tolist()))
    voxels = np.clip(np.rint(volume.read_region(low, high)), *_INT16).astype(np.int16)
    affine_lps = volume.grid.affine_lps.copy()
    affine_lps[:3, 3] = apply_affine(volume.grid.affine_lps, low)
    image = nib.Nifti1Image(voxels, swap_lps_ras(affine_lps))
    image.header.set_xyzt_units("mm")
    image.set_sform(image.affine, _SCANNER_FRAME)
    image.set_qform(image.affine, _SCANNER_FRAME)
    with replacing_file(path) as temporary:
        nib.save(image, temporary)
