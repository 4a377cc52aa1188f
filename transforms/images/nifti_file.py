"""NIfTI headers: which of their accounts of the geometry holds, and where the voxels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nibabel import Nifti1Header, Nifti2Header
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from nodulus.transforms.gate.image_rules import (
    HAS_GEOMETRY,
    KNOWN_UNIT,
    LENGTH_UNIT,
    ONE_NUMBER_A_VOXEL,
    SOUND_HEADER,
    WHOLE_FILE,
)
from nodulus.transforms.gate.verdict import Gate, refusal
from nodulus.transforms.geometry import Affine, swap_lps_ras
from nodulus.transforms.sources.deflate_reader import DeflateReader
from nodulus.transforms.sources.signatures import is_nifti_1

from .geometry_checks import check_affine, check_affines_agree, check_spacing, one_volume
from .stored_image import StoredImage, StoredVoxels


def read_nifti(path: Path, stream: DeflateReader | None, gate: Gate) -> StoredImage:
    """Return the image of a NIfTI file; ``stream`` inflates it when it is compressed, ``gate`` is warned."""
    header = _read_header(path, stream)
    size_xyz, affine_ras = header_geometry(header, path, gate)
    slope, intercept = _scaling(header, path)
    voxels = StoredVoxels(
        path=path,
        offset=_offset(header, path),
        stored_type=_stored_type(header, path),
        size_xyz=size_xyz,
        stream=stream,
        slope=slope,
        intercept=intercept,
    )
    return StoredImage("nifti", voxels, swap_lps_ras(affine_ras))


def header_geometry(header: Nifti1Header, path: Path, gate: Gate) -> tuple[tuple[int, int, int], Affine]:
    """Return the size (x, y, z) and the voxel-to-RAS affine (4x4, mm) of a header whose accounts of them agree."""
    size_xyz = _size_xyz(header, path)
    mm_per_unit = _mm_per_unit(header, path, gate)
    affine_ras = _agreed_affine(header, size_xyz, mm_per_unit, path)
    return size_xyz, np.diag([mm_per_unit, mm_per_unit, mm_per_unit, 1.0]) @ affine_ras


def _read_header(path: Path, stream: DeflateReader | None) -> Nifti1Header:
    """Return nibabel's header, unchecked: its checks repair silently what must be refused here."""
    if stream is None:
        with path.open("rb") as file:
            start = file.read(Nifti2Header.sizeof_hdr)
    else:
        start = stream.read_start(Nifti2Header.sizeof_hdr)
    kind = Nifti1Header if is_nifti_1(start) else Nifti2Header
    if len(start) < kind.sizeof_hdr:
        raise refusal(WHOLE_FILE, str(len(start)), path.name, expected=f"a header of {kind.sizeof_hdr} bytes")
    # From its own bytes alone: what follows them may be extensions, which are of no use here.
    return kind(start[: kind.sizeof_hdr], check=False)


def _offset(header: Nifti1Header, path: Path) -> int:
    """Return the first byte of the voxels; 0 says right after the header, as in ITK (a habit from ANALYZE)."""
    offset = header["vox_offset"]
    if offset == 0:
        return int(header.sizeof_hdr)
    if not header.single_vox_offset <= offset < np.inf:
        expected = f"voxels from byte {header.single_vox_offset} on"
        raise refusal(SOUND_HEADER, str(offset), path.name, expected=expected)
    return int(offset)


def _size_xyz(header: Nifti1Header, path: Path) -> tuple[int, int, int]:
    n_dimensions = int(header["dim"][0])
    if not 1 <= n_dimensions <= 7:
        raise refusal(SOUND_HEADER, str(n_dimensions), path.name, expected="1 to 7 dimensions")
    size = [int(n) for n in header["dim"][1 : 1 + n_dimensions]] + [1] * (3 - n_dimensions)
    return one_volume(size, path)


def _stored_type(header: Nifti1Header, path: Path) -> np.dtype[np.generic]:
    try:
        stored_type: np.dtype[np.generic] = np.dtype(header.get_data_dtype())
    except KeyError:
        got = f"datatype {header['datatype']}"
        raise refusal(SOUND_HEADER, got, path.name, expected="a datatype that NIfTI knows") from None
    if stored_type.kind not in "iuf":
        got = f"{header['datatype']} (datatype: colour or complex)"
        raise refusal(ONE_NUMBER_A_VOXEL, got, path.name, expected="one integer or real number a voxel")
    if header["bitpix"] != stored_type.itemsize * 8:
        expected = f"bitpix {stored_type.itemsize * 8} for {stored_type}"
        raise refusal(SOUND_HEADER, str(header["bitpix"]), path.name, expected=expected)
    return stored_type


def _scaling(header: Nifti1Header, path: Path) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or NaN means none (NIfTI-1 standard; nibabel writes NaN)."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or np.isnan(slope):
        return 1.0, 0.0
    if not np.isfinite([slope, intercept]).all():
        got = f"{slope:g} and {intercept:g}"
        raise refusal(ONE_NUMBER_A_VOXEL, got, path.name, expected="a finite scl_slope and scl_inter")
    return slope, intercept


_QUATERNION = ("quatern_b", "quatern_c", "quatern_d")
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


def _mm_per_unit(header: Nifti1Header, path: Path, gate: Gate) -> float:
    """Return the millimetres of one length unit of the file; metres and microns count, as in ITK."""
    unit = int(header["xyzt_units"]) & 0x07
    if unit not in _MM_PER_UNIT:
        raise refusal(KNOWN_UNIT, f"unit code {unit}", path.name, expected="mm, metre or micron")
    if unit == 0:
        gate.judge(LENGTH_UNIT, "none", path.name, expected="a unit of length", outcome="read as mm")
    return _MM_PER_UNIT[unit]


def _agreed_affine(header: Nifti1Header, size_xyz: tuple[int, int, int], mm_per_unit: float, path: Path) -> Affine:
    """Return the voxel-to-RAS affine (4x4, the file's unit) that every account in the header tells alike."""
    has_qform, has_sform = bool(header["qform_code"] > 0), bool(header["sform_code"] > 0)
    if not has_qform and not has_sform:
        raise refusal(HAS_GEOMETRY, "code 0 for both", path.name, expected="a qform or an sform")
    spacing = check_spacing(header["pixdim"][1:4], path)
    if not has_sform:
        return check_affine(_qform(header, path), path)
    sform = check_affine(header.get_sform(), path)
    if has_qform:
        qform = check_affine(_qform(header, path), path)
        check_affines_agree(_without_shear(sform), qform, size_xyz, "sform and qform", mm_per_unit, path)
    else:
        check_affines_agree(sform, _with_spacing(sform, spacing), size_xyz, "sform and pixdim", mm_per_unit, path)
    # Of the two the sform: its numbers are rounded once, the quaternion's error grows with the distance.
    return sform


def _qform(header: Nifti1Header, path: Path) -> Affine:
    """Return the qform (4x4); a qfac of 0 counts as 1, as the standard says."""
    settled = header.copy()
    if settled["pixdim"][0] == 0:
        settled["pixdim"][0] = 1
    try:
        return np.asarray(settled.get_qform(), dtype=np.float64)
    except HeaderDataError:  # of the spacing it has been seen that it is above 0
        got = f"{header['pixdim'][0]:g}"
        raise refusal(HAS_GEOMETRY, got, path.name, expected="a qfac (pixdim[0]) of 1, -1 or 0") from None
    except ValueError:
        got = f"({', '.join(f'{header[name]:g}' for name in _QUATERNION)})"
        expected = "a quaternion whose b, c and d are at most 1 long together"
        raise refusal(HAS_GEOMETRY, got, path.name, expected=expected) from None


def _without_shear(affine: Affine) -> Affine:
    """Return the affine with its axes turned to the nearest right angles: a quaternion cannot say shear."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    straight = np.array(affine)
    straight[:3, :3] = (left @ right) * spacing
    return straight


def _with_spacing(affine: Affine, spacing: NDArray[np.float64]) -> Affine:
    stretched = np.array(affine)
    stretched[:3, :3] *= spacing / np.linalg.norm(affine[:3, :3], axis=0)
    return stretched
