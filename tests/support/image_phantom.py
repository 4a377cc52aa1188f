"""A small phantom on an oblique, left-handed, anisotropic grid, written in every image format."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from nodulus.transforms.geometry import Affine, affine_from, swap_lps_ras

SIZE_XYZ = (20, 26, 14)
SPACING_MM = (0.8, 0.7, 1.9)
ORIGIN_LPS_MM = (-31.5, 42.25, -210.75)


def turned(degrees: float = 17.0) -> NDArray[np.float64]:
    """Return the directions (columns) of an oblique frame that is left-handed like LIDC's (-1, -1, 1) mirrored in z."""
    angle = np.radians(degrees)
    around_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    around_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return np.asarray(around_z @ around_x @ np.diag([-1.0, -1.0, -1.0]))


def phantom_affine_lps(direction: NDArray[np.float64] | None = None) -> Affine:
    """Return the phantom's voxel-to-LPS affine (4x4, mm)."""
    return affine_from(ORIGIN_LPS_MM, turned() if direction is None else direction, SPACING_MM)


def phantom_hu(size_xyz: tuple[int, int, int] = SIZE_XYZ) -> NDArray[np.int16]:
    """Return int16 Hounsfield units (x, y, z): air, lung, soft tissue and bone in a pattern without symmetry."""
    x, y, z = np.meshgrid(*[np.linspace(0, 1, n) for n in size_xyz], indexing="ij")
    tissue = 40 + 300 * x * y - 120 * z
    lung = -860 + 90 * np.sin(7 * x + 3 * z)
    hu = np.where((x - 0.4) ** 2 + (y - 0.55) ** 2 + (z - 0.5) ** 2 < 0.16, lung, tissue)
    return np.asarray(np.where(y < 0.12, -1000, np.round(hu)), dtype=np.int16)


def write_nifti(
    path: Path, hu: NDArray[np.generic] | None = None, affine_lps: Affine | None = None, **header: object
) -> Path:
    """Write a NIfTI with equal qform and sform in mm; ``header`` sets raw header fields afterwards."""
    affine_ras = swap_lps_ras(phantom_affine_lps() if affine_lps is None else affine_lps)
    image = nib.Nifti1Image(phantom_hu() if hu is None else hu, affine_ras)
    image.set_qform(affine_ras, code=1)
    image.set_sform(affine_ras, code=1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return edit_nifti(path, **header) if header else path


def edit_nifti(path: Path, **fields: object) -> Path:
    """Overwrite raw fields of an uncompressed NIfTI header, without any check."""
    data = bytearray(path.read_bytes())
    kind = nib.Nifti1Header if data[0] == nib.Nifti1Header.sizeof_hdr & 0xFF else nib.Nifti2Header
    header = kind(bytes(data[: kind.sizeof_hdr]), check=False)
    for name, value in fields.items():
        header[name] = value
    data[: kind.sizeof_hdr] = header.binaryblock
    path.write_bytes(data)
    return path


def write_itk(path: Path, hu: NDArray[np.generic] | None = None, *, is_compressed: bool = False) -> Path:
    """Write the phantom with SimpleITK, in the format of the path's suffix."""
    sitk.WriteImage(itk_phantom(hu), str(path), is_compressed)
    return path


def itk_phantom(hu: NDArray[np.generic] | None = None) -> sitk.Image:
    """Return the phantom as a SimpleITK image."""
    image = sitk.GetImageFromArray((phantom_hu() if hu is None else hu).transpose(2, 1, 0))
    image.SetSpacing(SPACING_MM)
    image.SetOrigin(ORIGIN_LPS_MM)
    image.SetDirection(turned().ravel().tolist())
    return image


def edit_text(path: Path, old: str, new: str) -> Path:
    """Replace text in the header of a MetaImage or NRRD file."""
    data = path.read_bytes()
    if old.encode() not in data:
        raise ValueError(f"{old!r} is not in {path.name}")
    path.write_bytes(data.replace(old.encode(), new.encode(), 1))
    return path
