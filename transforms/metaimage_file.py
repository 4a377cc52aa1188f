"""MetaImage headers (.mha, .mhd): geometry in LPS, and where the voxels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .deflate_reader import DeflateReader
from .geometry import Affine, affine_from
from .image_geometry_checks import check_affine, check_spacing, one_volume
from .problems import ProblemCode, refuse
from .stored_image import StoredImage, StoredVoxels
from .text_header import MAX_HEADER_BYTES, counts_of, data_file_beside, numbers_of

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
# MetaIO's own synonyms.
_ORIGIN_FIELDS = ("Offset", "Position", "Origin")
_AXES_FIELDS = ("TransformMatrix", "Rotation", "Orientation")


def is_metaimage(start: bytes) -> bool:
    """Return whether a file that starts with these bytes is a MetaImage header."""
    return b"NDims" in start and b"=" in start


def read_metaimage(path: Path) -> StoredImage:
    """Return the image of a .mha file, or of a .mhd header whose voxels stand in a file beside it."""
    fields, header_bytes = _read_fields(path)
    sizes = counts_of(_required(fields, ("DimSize",), path), "DimSize", path)
    affine_lps = _affine_lps(fields, len(sizes), path)
    size_xyz = one_volume(sizes, path)
    name = fields["ElementDataFile"]
    data_path = path if name.upper() == "LOCAL" else data_file_beside(path, name)
    start = header_bytes if data_path == path else 0
    is_compressed = fields.get("CompressedData", "False").lower() == "true"
    voxels = StoredVoxels(
        path=data_path,
        offset=0 if is_compressed else start,
        stored_type=_stored_type(fields, path),
        size_xyz=size_xyz,
        stream=DeflateReader(data_path, start) if is_compressed else None,
    )
    return StoredImage("metaimage", voxels, affine_lps)


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the header's fields and its length in bytes; ElementDataFile is its last line."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        while "ElementDataFile" not in fields:
            line = file.readline(MAX_HEADER_BYTES)
            if not line or file.tell() > MAX_HEADER_BYTES:
                raise refuse(
                    ProblemCode.UNREADABLE, f"Expected a header that ends in ElementDataFile, got none in {path.name}"
                )
            name, _, value = line.decode("latin-1").partition("=")
            fields[name.strip()] = value.strip()
        return fields, file.tell()


def _required(fields: dict[str, str], names: tuple[str, ...], path: Path) -> str:
    for name in names:
        if name in fields:
            return fields[name]
    raise refuse(ProblemCode.NO_GEOMETRY, f"Expected the header field {names[0]}, got none in {path.name}")


def _affine_lps(fields: dict[str, str], n_axes: int, path: Path) -> Affine:
    """Return the voxel-to-LPS affine (4x4, mm); MetaImage's world is LPS in mm, as ITK writes it."""
    if not 3 <= n_axes <= 4:
        raise refuse(ProblemCode.TOO_FEW_SLICES, f"Expected three axes, got {n_axes} in {path.name}")
    if (unit := fields.get("DistanceUnits", "mm")).lower() != "mm":
        raise refuse(ProblemCode.NO_GEOMETRY, f"Expected DistanceUnits = mm, got {unit} in {path.name}")
    origin = numbers_of(_required(fields, _ORIGIN_FIELDS, path), n_axes, "Offset", path)
    spacing = numbers_of(_required(fields, ("ElementSpacing",), path), n_axes, "ElementSpacing", path)
    axes = numbers_of(_required(fields, _AXES_FIELDS, path), n_axes * n_axes, "TransformMatrix", path)
    # One row an axis in the file; affine_from takes columns.
    direction = axes.reshape(n_axes, n_axes).T[:3, :3]
    return check_affine(affine_from(origin[:3].tolist(), direction, check_spacing(spacing[:3], path).tolist()), path)


def _stored_type(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    name = fields.get("ElementType", "")
    n_channels = fields.get("ElementNumberOfChannels", "1")
    if name not in _TYPES or n_channels != "1":
        message = f"Expected one number a voxel of a known type, got {n_channels} x {name or 'no ElementType'}"
        raise refuse(ProblemCode.NOT_HOUNSFIELD, f"{message} in {path.name}")
    if fields.get("BinaryData", "True").lower() != "true":
        raise refuse(ProblemCode.UNREADABLE, f"Expected binary voxels, got text (BinaryData = False) in {path.name}")
    is_big_endian = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")).lower() == "true"
    return np.dtype((">" if is_big_endian else "<") + _TYPES[name])
