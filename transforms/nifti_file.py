"""NIfTI headers: which of their accounts of the geometry holds, and where the voxels are."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from .deflate_reader import DeflateReader
from .geometry import Affine, swap_lps_ras
from .problems import Problem, ProblemCode, refuse
from .stored_image import StoredImage, StoredVoxels

_HEADER_BYTES = 540  # of NIfTI-2; NIfTI-1 needs 348


def is_nifti(start: bytes) -> bool:
    """Return whether a (decompressed) file that starts with these bytes is a single-file NIfTI-1 or NIfTI-2."""
    return start[344:348] == b"n+1\0" or start[4:8] == b"n+2\0"


def read_nifti(path: Path, stream: DeflateReader | None) -> StoredImage:
    """Return the image of a NIfTI file; ``stream`` inflates it when it is compressed."""
    header = _read_header(path, stream)
    scale, unit_warnings = _mm_per_unit(header, path)
    affine_ras = _agreed_affine(header, scale, path)
    slope, intercept = _scaling(header, path)
    voxels = StoredVoxels(
        path=path,
        offset=int(header["vox_offset"]),
        stored_type=header.get_data_dtype(),
        size_xyz=_size_xyz(header, path),
        stream=stream,
        slope=slope,
        intercept=intercept,
    )
    return StoredImage("nifti", voxels, swap_lps_ras(affine_ras), unit_warnings)
